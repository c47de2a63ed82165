import { once } from 'node:events';
import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server, type Socket } from 'socket.io';
import { io, type Socket as Client } from 'socket.io-client';
import { receiveEvents } from './fast-receiver.js';

let http: HttpServer;
let server: Server;
let client: Client;
let socket: Socket;
/** What was taken, what was refused, and what Engine.IO decoded of it. */
let taken: [data: readonly unknown[], id: number | undefined][];
let refused: (number | undefined)[];
let decoded: string[];

beforeEach(async () => {
  http = createServer();
  server = new Server(http, { transports: ['websocket'] });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const connected = once(server, 'connection') as Promise<[Socket]>;
  const { port } = http.address() as AddressInfo;
  client = io(`http://127.0.0.1:${port}`, { transports: ['websocket'], reconnection: false });
  [socket] = await connected;
  [taken, refused, decoded] = [[], [], []];
  socket.conn.on('packet', ({ data }: { data?: unknown }) => decoded.push(String(data)));
});
afterEach(async () => {
  client.close();
  await server.close();
});

/** Resolves when the server has taken so many. */
function takes(count: number): Promise<void> {
  return new Promise((resolve) => {
    receiveEvents(socket, {
      handleEvent: (data, id) => {
        if (taken.push([data, id]) === count) resolve();
      },
      admit: () => 0,
      turnDown: () => undefined,
      refuseUnread: (id) => void refused.push(id),
      onHeartbeat: () => undefined,
      onDisconnect: () => undefined,
      onFrameTooLong: () => undefined,
      fail: (error) => {
        throw error;
      },
    });
  });
}

describe('listen', () => {
  it('takes requests past the decoders, with and without a callback', async () => {
    const all = takes(2);
    client.emit('ack', { 'user:ada': 1 });
    client.emit('ack', { 'user:é': 2 }, () => undefined);
    await all;
    expect(taken).toEqual([
      [['ack', { 'user:ada': 1 }], undefined],
      [['ack', { 'user:é': 2 }], 0],
    ]);
    expect(decoded).toEqual([]);
  });

  it('takes other events through them and in their order', async () => {
    const all = takes(3);
    client.emit('ack', 1);
    client.emit('nonsense', 2);
    client.emit('ack', 3);
    await all;
    expect(taken.map(([data]) => data)).toEqual([
      ['ack', 1],
      ['nonsense', 2],
      ['ack', 3],
    ]);
    expect(decoded[0]).toBe('2["nonsense",2]');
  });

  it('refuses events with attachments, drops those, and decodes neither', async () => {
    const all = takes(1);
    client.emit('ack', Buffer.from('1'));
    client.emit('ack', { deep: [Buffer.from('2')] }, () => undefined);
    client.emit('ack', 3);
    await all;
    expect(refused).toEqual([undefined, 0]);
    expect(taken).toEqual([[['ack', 3], undefined]]);
    expect(decoded).toEqual([]);
  });

  it('leaves everything to the decoders if they are not as expected', async () => {
    (socket.conn as { protocol: number }).protocol = 5;
    const all = takes(1);
    client.emit('ack', 1);
    await all;
    expect(taken).toEqual([[['ack', 1], undefined]]);
    expect(decoded).toEqual(['2["ack",1]']);
  });
});
