import { signToken } from '#auth';
import { JWT_SECRET } from '../support/server.js';
import { until } from '../support/until.js';
import { Target } from '../security/target.js';
import { FIRST_BYTE, frame } from './attack/wire/frames.js';
import { RawSocket } from './attack/wire/raw-socket.js';

let target: Target;
let socket: RawSocket;
let heard: string[];

beforeAll(async () => {
  // The rows come faster than an address may misbehave, so that limit is off.
  target = await Target.start({ SUSPICIONS_PER_MINUTE: '0' });
});
beforeEach(() => (heard = []));
afterEach(() => socket?.leave());
afterAll(() => target?.end());

const TOKEN = signToken(JWT_SECRET, { user: 'mallory', grants: ['publish:user:mallory'], ttlMs: 600_000 });

async function come(): Promise<void> {
  socket = await RawSocket.open(target.server.url);
  socket.onText = (text) => heard.push(text);
}

async function enter(): Promise<void> {
  await come();
  socket.send(`40${JSON.stringify({ token: TOKEN })}`);
  await until('it is let in', () => heard.some((text) => text.startsWith('42["ready"')));
}

const text = (payload: string | Buffer): Buffer => frame(payload);
const bytes = (...values: number[]): Buffer => Buffer.from(values);
const close = (code: number, reason: Buffer = Buffer.alloc(0)): Buffer =>
  frame(Buffer.concat([bytes(code >> 8, code & 0xff), reason]), 0x88);

/** Begins a message of this many bytes, each in a fragment of its own. The message does not end. */
function fragments(count: number): Buffer {
  const more = Array.from({ length: count - 1 }, () => frame('2', FIRST_BYTE.more));
  return Buffer.concat([frame('4', FIRST_BYTE.textToGoOn), ...more]);
}

const BROKEN: [string, Buffer][] = [
  ['without a mask', bytes(0x81, 2, 0x34, 0x32)],
  ['with the first reserved bit, as if it were compressed', frame('42["ack",{}]', 0xc1)],
  ['with the second reserved bit', frame('42["ack",{}]', 0xa1)],
  ['with the third reserved bit', frame('42["ack",{}]', 0x91)],
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode): [string, Buffer] => [
    `of the unknown kind ${opcode}`,
    frame('x', 0x80 | opcode),
  ]),
  ['that is a ping in fragments', frame('x', 0x09)],
  ['that is a pong in fragments', frame('x', 0x0a)],
  ['that is a close in fragments', frame('', 0x08)],
  ['that is a ping of 126 bytes', frame('x'.repeat(126), FIRST_BYTE.ping)],
  ['that is a close of one byte', frame('x', 0x88)],
  ...[0, 999, 1004, 1005, 1006, 1016, 2999, 5000, 65_535].map((code): [string, Buffer] => [
    `that is a close with the code ${code}`,
    close(code),
  ]),
  ['that is a close whose reason is no UTF-8', close(1000, bytes(0xff, 0xfe))],
  ['that goes on with nothing', frame('x', 0x80)],
  ['that begins while another goes on', Buffer.concat([frame('4', FIRST_BYTE.textToGoOn), text('2')])],
  ['that is binary while text goes on', Buffer.concat([frame('4', FIRST_BYTE.textToGoOn), frame('x', 0x82)])],
  ['of 2^63 bytes', bytes(0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)],
  ['of 2^53 bytes', bytes(0x81, 0xff, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)],
  ['of 2^32 bytes', bytes(0x81, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0)],
  ['of one byte more than the limit', text('x'.repeat(196_609))],
  [
    'in fragments beyond the limit',
    Buffer.concat([frame('x'.repeat(100_000), FIRST_BYTE.textToGoOn), frame('x'.repeat(100_000), FIRST_BYTE.more)]),
  ],
  ['in more fragments than a browser makes', fragments(257)],
  ['of UTF-8 cut short', text(bytes(0x34, 0x32, 0xe2, 0x82))],
  ['of UTF-8 that is too long', text(bytes(0x34, 0x32, 0xc0, 0x80))],
  ['of half a surrogate pair', text(bytes(0x34, 0x32, 0xed, 0xa0, 0x80))],
  ['of a character beyond Unicode', text(bytes(0x34, 0x32, 0xf4, 0x90, 0x80, 0x80))],
];

describe.each([
  ['nobody knows', come],
  ['was let in', enter],
])('of a client that %s, a frame', (_, arrive) => {
  it.each(BROKEN)('%s ends the connection', async (__, broken) => {
    await target.survives(async () => {
      await arrive();
      await socket.write(broken);
      await until('the server hangs up', () => socket.isEnded);
    });
  });
});

/** Packets of Engine.IO and Socket.IO that only a server sends, and answers to what was never asked. */
const ODD: [string, string][] = [
  ['an open packet', '0{"sid":"x","upgrades":["polling"],"pingInterval":1}'],
  ['a ping', '2'],
  ['a probe', '2probe'],
  ['a pong nobody asked for', '3'],
  ['a pong with words', '3probe'],
  ['an upgrade', '5'],
  ['a packet that means nothing', '6'],
  ['an answer without an id', '43[]'],
  ['an answer to nothing', '431[{}]'],
  ['an answer to 0', '430["x"]'],
  ['an answer to what is beyond all numbers', '43999999999999999999999[]'],
  ['an answer to a negative id', '43-1[]'],
  ['an answer that is no list', '431{}'],
  ['an answer without anything', '431'],
  ['an answer of broken JSON', '431['],
  ['an answer with an attachment', '461-1[{"_placeholder":true,"num":0}]'],
  ['a refusal', '44{"message":"no"}'],
  ['a refusal in another namespace', '44/admin,{"message":"no"}'],
  ['a request in another namespace', '42/admin,1["publish",{}]'],
  ['a request in __proto__', '42/__proto__,1["publish",{}]'],
  ['a farewell in another namespace', '41/admin,'],
  ['a CONNECT in a namespace of 5,000 characters', `40/${'x'.repeat(5_000)},{}`],
  ['a CONNECT in __proto__', '40/__proto__,{}'],
  ['a CONNECT with a query', '40/admin?token=x,{}'],
  ['an event with no attachments that says so', '450-1["ack",{}]'],
  ['an event with attachments of no number', '45x-1["ack",{}]'],
  ['an event with attachments inside one another', '451-1["publish",{"a":{"_placeholder":true,"num":0}}]'],
  ['a number', '42'],
  ['nothing at all', ''],
];

describe('of a client that was let in', () => {
  it.each(ODD)('%s harms nobody: the connection is served on, or closed', async (_, packet) => {
    await target.survives(async () => {
      await enter();
      socket.send(packet);
      socket.send('4277["ack",{}]');
      await until('it is served on, or closed', () => socket.isEnded || heard.includes('4377[{"ok":true}]'));
    });
  });

  it('a thousand pings at once are answered, and it is served on', async () => {
    await target.survives(async () => {
      await enter();
      await socket.write(Buffer.concat(Array.from({ length: 1_000 }, () => frame('', FIRST_BYTE.ping))));
      socket.send('4277["ack",{}]');
      await until('it is served on, or closed', () => socket.isEnded || heard.includes('4377[{"ok":true}]'));
    });
  });
});

describe('of a client that nobody knows', () => {
  it.each(ODD.filter(([what]) => !what.includes('CONNECT')))('%s harms nobody', async (_, packet) => {
    await target.survives(async () => {
      await come();
      socket.send(packet);
      socket.send(`40${JSON.stringify({ token: TOKEN })}`);
      await until(
        'it is let in, or closed',
        () => socket.isEnded || heard.some((said) => said.startsWith('42["ready"')),
      );
    });
  });
});
