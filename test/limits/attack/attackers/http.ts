import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import type { Attack } from '../attack.js';
import { ATTACKERS_ADDRESS, type Lair } from '../lair.js';

const MEGABYTE = 1_048_576;
const JSON_TYPE = { 'content-type': 'application/json' };
const PATHS = ['/v1/messages', '/v1/messages/scheduled', '/v1/nothing', '/admin/v1/status', '/', '/socket.io/'];

/** Holds eight megabytes in less than eight kilobytes. */
const BOMB = gzipSync(Buffer.from(JSON.stringify('x'.repeat(8 * MEGABYTE - 2))));
const LONG_JSON = Buffer.from(JSON.stringify({ data: Array<string>(400_000).fill('12345678901234567') }));

/**
 * Opens a TCP connection that sends its request piece by piece, a byte now and then, for as long as the server lets it.
 */
async function dawdle(lair: Lair, head: string, everyMs: number): Promise<boolean> {
  const { hostname, port } = new URL(lair.url);
  const socket = connect({ host: hostname, port: Number(port), localAddress: ATTACKERS_ADDRESS });
  socket.on('error', () => undefined);
  let answer = '';
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1', 0, 20)));
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.write(head);
  while (!socket.destroyed && !lair.isOver) {
    socket.write('x');
    await Promise.race([delay(everyMs), closed, lair.rest()]);
  }
  if (!lair.isOver) lair.tally.countEnd(answer === '' ? 'hung up' : `HTTP ${answer.slice(9, 12)}`);
  socket.destroy();
  // A reconnect at once would make a flood of what is to show slowness.
  if (!lair.isOver) await delay(200);
  return true;
}

/** The attacks over HTTP without a key, with wrong ones, or with requests that never end. */
export const HTTP: readonly Attack[] = [
  {
    name: 'gzip-without-key',
    does: '8 connections that post 8 MB in 8 KB of gzip to any path, without a key',
    run: (lair) => {
      const headers = { ...JSON_TYPE, 'content-encoding': 'gzip' };
      return lair.besiege(8, async () => {
        const path = lair.random.pick(PATHS);
        return (await lair.post({ path, headers, body: BOMB })) !== 0;
      });
    },
  },
  {
    name: 'json-without-key',
    does: '4 connections that post 8 MB of JSON to any path, without a key',
    run: (lair) =>
      lair.besiege(4, async () => {
        const path = lair.random.pick(PATHS);
        return (await lair.post({ path, headers: JSON_TYPE, body: LONG_JSON })) !== 0;
      }),
  },
  {
    name: 'wrong-keys',
    does: '20 connections that try API keys, and the keys of operators, as fast as they can',
    run: (lair) =>
      lair.besiege(20, async () => {
        const secret = `guess-${lair.random.below(2 ** 31)}`;
        const path = lair.random.pick(['/v1/users/ada/presence', '/admin/v1/status']);
        const headers = { authorization: `Bearer ${secret}` };
        return (await lair.post({ method: 'GET', path, headers })) !== 0;
      }),
  },
  {
    name: 'slow-headers',
    does: '200 connections that send a byte of their headers a second',
    endsWithinS: 15,
    run: (lair) => lair.besiege(200, () => dawdle(lair, 'GET /v1/messages HTTP/1.1\r\nHost: x\r\nX-Slow: ', 1_000)),
  },
  {
    name: 'slow-bodies',
    does: '200 connections that send a byte of their body a second',
    endsWithinS: 40,
    run: (lair) => {
      const head = ['POST /v1/messages HTTP/1.1', 'Host: x', 'Content-Type: application/json', 'Content-Length: 9000'];
      return lair.besiege(200, () => dawdle(lair, `${head.join('\r\n')}\r\n\r\n`, 1_000));
    },
  },
  {
    name: 'idle-connections',
    does: '1,000 TCP connections that never say a word',
    endsWithinS: 15,
    run: (lair) => lair.besiege(1_000, () => idle(lair)),
  },
];

async function idle(lair: Lair): Promise<boolean> {
  const { hostname, port } = new URL(lair.url);
  const socket = connect({ host: hostname, port: Number(port), localAddress: ATTACKERS_ADDRESS });
  socket.on('error', () => undefined).resume();
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  await lair.rest(closed);
  if (!lair.isOver) lair.tally.countEnd('hung up');
  socket.destroy();
  if (!lair.isOver) await delay(200);
  return true;
}
