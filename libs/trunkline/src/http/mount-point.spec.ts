import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { MountPoint } from './mount-point.js';

const UPGRADE = 'Connection: Upgrade\r\nUpgrade: websocket\r\n';

let server: Server;

beforeEach(async () => {
  server = createServer((_request, response) => response.end('the host'));
  new MountPoint(server, '/ours');
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => server.close());

/** Sends a text on a connection of its own. @returns everything that came back until its end */
async function send(request: string): Promise<string> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.write(request);
  return text(socket);
}

const get = (path: string, headers = ''): string => `GET ${path} HTTP/1.1\r\nHost: here\r\n${headers}\r\n`;

describe('A mount point without an instance', () => {
  it('answers requests and upgrades below its path with 503', async () => {
    expect(await send(get('/ours/v1/messages'))).toMatch(/^HTTP\/1\.1 503 /);
    expect(await send(get('/ours/socket.io/', UPGRADE))).toMatch(/^HTTP\/1\.1 503 /);
  });

  it('answers an upgrade that comes right behind a request, too', async () => {
    const upgrade = get('/ours/socket.io/', UPGRADE);
    expect(await send(get('/ours/v1') + upgrade)).toMatch(/^HTTP\/1\.1 503 [^]*HTTP\/1\.1 503 /);
    expect(await send(get('/elsewhere') + upgrade)).toMatch(/^HTTP\/1\.1 200 [^]*HTTP\/1\.1 503 /);
    expect(await send(get('/elsewhere', 'Connection: close\r\n'))).toContain('the host');
  });
});
