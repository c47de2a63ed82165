import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { until } from '../../support/until.js';
import { ChaosProxy } from './chaos-proxy.js';

/** One end of a connection: the bytes it was given, and how it ended. */
class End {
  readonly chunks: Buffer[] = [];
  hasEnded = false;
  isClosed = false;
  error: NodeJS.ErrnoException | undefined;

  constructor(readonly socket: Socket) {
    socket.on('data', (chunk: Buffer) => this.chunks.push(chunk));
    socket.on('end', () => (this.hasEnded = true));
    socket.on('close', () => (this.isClosed = true));
    socket.on('error', (error) => (this.error = error));
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString();
  }
}

let server: Server;
let proxy: ChaosProxy;
let accepted: End[];
let clients: End[];

beforeEach(async () => {
  accepted = [];
  clients = [];
  server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => accepted.push(new End(socket)));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  proxy = await ChaosProxy.start(() => port);
});

afterEach(async () => {
  for (const { socket } of [...clients, ...accepted]) socket.destroy();
  proxy.stop();
  await new Promise((resolve) => server.close(resolve));
});

async function expectExchangeThrough(other: ChaosProxy): Promise<void> {
  const near = new End(connect(other.port, '127.0.0.1'));
  near.socket.write('over there');
  await until('it arrives', () => accepted.some(({ text }) => text === 'over there'));
  other.stop();
}

/**
 * Opens a connection through the proxy.
 * @returns both of its ends
 */
async function open(): Promise<{ near: End; far: End }> {
  const near = new End(connect({ port: proxy.port, host: '127.0.0.1', noDelay: true }));
  clients.push(near);
  await once(near.socket, 'connect');
  const index = clients.length - 1;
  return { near, far: await until('the server has it', () => accepted[index]) };
}

async function expectExchange({ near, far }: { near: End; far: End }): Promise<void> {
  near.socket.write('to the server');
  far.socket.write('to the client');
  await until('both have it', () => far.text.endsWith('to the server') && near.text.endsWith('to the client'));
}

test('passes bytes both ways', async () => {
  await expectExchange(await open());
});

test('swallows everything while a connection stays open, and hands over what it held', async () => {
  const ends = await open();
  await expectExchange(ends);
  proxy.blackHole();
  ends.near.socket.write('lost?');
  const other = new End(connect(proxy.port, '127.0.0.1'));
  clients.push(other);
  other.socket.write('hello?');
  // In this time everything would have passed: another proxy takes a connection there and back.
  await expectExchangeThrough(await ChaosProxy.start(() => (server.address() as AddressInfo).port));
  expect(ends.far.text).toBe('to the server');
  expect([ends.near.isClosed, other.isClosed]).toEqual([false, false]);
  proxy.clear();
  await until('it arrives', () => ends.far.text === 'to the serverlost?');
});

test('forgets the connections that are open, while new ones pass', async () => {
  const old = await open();
  await expectExchange(old);
  proxy.blackHoleOpenOnes();
  old.near.socket.write('lost');
  await expectExchange(await open());
  expect([old.far.text, old.near.isClosed]).toEqual(['to the server', false]);
});

test('delays what passes', async () => {
  const { near, far } = await open();
  proxy.changeWeather({ latencyMs: 80 });
  const startedAt = performance.now();
  near.socket.write('late');
  await until('it arrives', () => far.text === 'late');
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(79);
});

test('cuts what passes into slices, and keeps their order', async () => {
  const { near, far } = await open();
  proxy.changeWeather({ sliceBytes: 3 });
  const text = 'a text of some thirty characters';
  near.socket.write(text);
  await until('all of it arrives', () => far.text === text);
  expect(Math.max(...far.chunks.map(({ length }) => length))).toBeLessThan(text.length);
});

test('resets a connection in the middle of a packet', async () => {
  const { near, far } = await open();
  proxy.latestConnection?.resetMidFrame('up');
  near.socket.write('12345678');
  // If bytes and a RST are found together, Node may report an end instead of an error.
  await until('both have heard of it', () => near.isClosed && (far.isClosed || far.hasEnded));
  expect([far.text, near.error?.code]).toEqual(['1234', 'ECONNRESET']);
});

test('spares a connection on which nothing has come to be torn', async () => {
  const ends = await open();
  proxy.latestConnection?.resetMidFrame('up');
  proxy.latestConnection?.spare();
  await expectExchange(ends);
});

test('half closes: the server is told that nothing more comes, and can still answer', async () => {
  const { near, far } = await open();
  proxy.latestConnection?.halfClose();
  await until('the server is told', () => far.hasEnded);
  far.socket.write('still here');
  await until('it arrives', () => near.text === 'still here');
});

test('lets a client vanish without telling the server', async () => {
  const { near, far } = await open();
  proxy.latestConnection?.vanish();
  await until('the client has gone', () => near.isClosed);
  expect([far.hasEnded, far.isClosed, proxy.latestConnection?.isFarOpen]).toEqual([false, false, true]);
  far.socket.destroy();
  await until('the proxy has noticed', () => proxy.latestConnection?.isFarOpen === false);
});

test('refuses new connections, and accepts them again on the same port', async () => {
  const ends = await open();
  proxy.refuse();
  const refused = new End(connect(proxy.port, '127.0.0.1'));
  await until('it is refused', () => refused.error?.code === 'ECONNREFUSED');
  await expectExchange(ends);
  await proxy.accept();
  await expectExchange(await open());
});

test('resets a connection that leads to nobody', async () => {
  const nowhere = await ChaosProxy.start(() => undefined);
  const client = new End(connect(nowhere.port, '127.0.0.1'));
  await until('it is reset', () => client.isClosed);
  expect(client.error?.code).toBe('ECONNRESET');
  nowhere.stop();
});
