import { signToken } from '#auth';
import { JWT_SECRET } from '../support/server.js';
import type { Seeded } from '../support/seeded.js';

/** What one transport does next. Frames of one `send` leave in one TCP segment. */
export type Step =
  | { readonly do: 'send'; readonly frames: readonly (string | Buffer)[] }
  | { readonly do: 'raw'; readonly bytes: Buffer }
  | { readonly do: 'pause'; readonly ms: number }
  | { readonly do: 'await ready' };

export interface Sequence {
  readonly steps: readonly Step[];
  /** How the client goes: politely, or with its TCP connection reset. */
  readonly ending: 'leave' | 'reset';
}

const STEPS_MAX = 12;
const PAUSE_MAX_MS = 30;
const SEND_AT_ONCE_MAX = 5;
const GRANTS = ['publish:user:*', 'publish:group:*', 'subscribe:group:*', 'join:group:*', 'presence:group:*'];
/** Longer than a frame may be. */
const TOO_LONG = 'x'.repeat(250_000);

/** A random mix of valid and broken frames of Engine.IO and Socket.IO; the same numbers make the same sequence. */
export function makeSequence(random: Seeded, name: string): Sequence {
  const auths = authsOf(random, name);
  const kinds = frameKinds(random, auths);
  const frame = (): string | Buffer => random.pick(random.pick(kinds))();
  const steps: Step[] = [];
  if (random.chance(0.8)) steps.push({ do: 'send', frames: [connect(random, auths)] });
  if (random.chance(0.7)) steps.push({ do: 'await ready' });
  const count = 1 + random.below(STEPS_MAX);
  for (let n = 0; n < count; n++) steps.push(makeStep(random, frame));
  // What a client does that leaves and comes back on the transport it has.
  if (random.chance(0.3)) steps.push(...reentry(random, auths));
  return { steps, ending: random.chance(0.3) ? 'reset' : 'leave' };
}

function makeStep(random: Seeded, frame: () => string | Buffer): Step {
  const dice = random.below(100);
  if (dice < 15) return { do: 'pause', ms: random.below(PAUSE_MAX_MS) };
  if (dice < 30) return { do: 'await ready' };
  if (dice < 33) return { do: 'raw', bytes: brokenBytes(random) };
  const count = random.chance(0.5) ? 1 : 1 + random.below(SEND_AT_ONCE_MAX);
  return { do: 'send', frames: Array.from({ length: count }, frame) };
}

function reentry(random: Seeded, auths: readonly string[]): Step[] {
  const leave = random.pick(['41', '41/,']);
  const pause: Step[] = random.chance(0.7) ? [{ do: 'pause', ms: random.below(PAUSE_MAX_MS) }] : [];
  return [
    { do: 'await ready' },
    { do: 'send', frames: [leave] },
    ...pause,
    { do: 'send', frames: [connect(random, auths)] },
    { do: 'pause', ms: random.below(PAUSE_MAX_MS) },
  ];
}

/** Most are good, and one of them is this sequence's own session, which it may log out of. */
function authsOf(random: Seeded, user: string): string[] {
  const sign = (options: { ttlMs: number; sessionId?: string }): string =>
    signToken(JWT_SECRET, { user, grants: GRANTS, ...options });
  const deviceId = `d${random.below(3)}`;
  return [
    JSON.stringify({ token: sign({ ttlMs: 60_000 }), deviceId }),
    JSON.stringify({ token: sign({ ttlMs: 60_000, sessionId: user }), deviceId }),
    JSON.stringify({ token: sign({ ttlMs: 60_000 }), resume: { [`user:${user}`]: random.below(3) } }),
    JSON.stringify({ token: sign({ ttlMs: -60_000 }) }),
    random.pick(['', '{}', '{"token":5}', '{"token":"forged"}', 'null', '[]', '{"token":"x","deviceId":7}', '{"tok']),
  ];
}

function connect(random: Seeded, auths: readonly string[]): string {
  const auth = random.chance(0.7) ? auths[random.below(3)] : random.pick(auths);
  return `40${random.pick(['', '', '', '/,'])}${auth}`;
}

type FrameKind = readonly (() => string | Buffer)[];

function frameKinds(random: Seeded, auths: readonly string[]): FrameKind[] {
  const id = (): string => random.pick(['', '0', String(random.below(1_000)), '007', '999999999999999999', '-1']);
  const bytes = (): Buffer => Buffer.from(Array.from({ length: random.below(8) }, () => random.below(256)));
  const attachments = (): string => random.pick(['0', '1', '1', '2', '10', '11', '4294967296', '', 'x']);
  const request = (): string => `42${id()}${random.pick(REQUESTS)}`;
  return [
    [request],
    [request, () => `42${id()}${random.pick(BROKEN_REQUESTS)}`],
    [() => connect(random, auths), () => random.pick(['41', '41/,', '41/chat,', '41{}', '41["x"]'])],
    [() => `43${id()}${random.pick(['[]', '["x"]', '', '[', '{}', '[null]'])}`, () => `44${random.pick(['', '{}'])}`],
    [() => `45${attachments()}-${id()}${random.pick(BINARY_REQUESTS)}`, bytes, bytes],
    [() => `46${attachments()}-${id()}[{"_placeholder":true,"num":0}]`, bytes],
    [
      () =>
        `4${random.below(8)}/${random.pick(NAMESPACES)}${random.pick([',', ''])}${random.pick(['', '{}', '["x"]'])}`,
    ],
    [() => random.pick(ENGINE_FRAMES), () => garbage(random)],
  ];
}

const REQUESTS = [
  '["ack",{}]',
  '["publish",{"channel":"user:nobody","type":"t","data":1}]',
  '["publish",{"channel":"group:storm","type":"t","data":{"deep":[[[1]]]},"publishId":"p"}]',
  '["subscribe",{"channel":"group:storm"}]',
  '["unsubscribe",{"channel":"group:storm"}]',
  '["join",{"channel":"group:storm"}]',
  '["leave",{"channel":"group:storm"}]',
  '["history",{"channel":"group:storm"}]',
  '["read",{}]',
  '["presence",{"channel":"group:storm"}]',
  '["watch",{"channel":"group:storm"}]',
  '["unwatch",{"channel":"group:storm"}]',
  '["cancel",{"id":"00000000-0000-4000-8000-000000000000"}]',
  '["token",{"token":"forged"}]',
  '["logout",{}]',
  '["logout"]',
];

const BROKEN_REQUESTS = [
  '',
  '[',
  '[]',
  '{}',
  'null',
  '[null]',
  '[7,{}]',
  '[["ack"]]',
  '["ack"',
  '["ack",{}]]',
  '["ack",null]',
  '["ack",{"user:canary":1}]',
  '["ack",{},{},{}]',
  '["publish",{"channel":"group:storm","type":"t"}]',
  '["disconnect"]',
  '["connect"]',
  '["error",{}]',
  '["ready",{}]',
  '["__proto__",{}]',
  '["constructor"]',
  '["history",{"channel":"group:storm","limit":-1}]',
  '["\\ud800",{"\\u0000":"\\ud800"}]',
];

const BINARY_REQUESTS = [
  '["publish",{"_placeholder":true,"num":0}]',
  '["publish",{"channel":"group:storm","type":"t","data":{"_placeholder":true,"num":1}}]',
  '["ack",{"_placeholder":true,"num":-1}]',
  '["x",{"_placeholder":true,"num":"0"}]',
  '[]',
  '',
];

const NAMESPACES = ['chat', 'admin', '__proto__', '', '?token=x', 'n'.repeat(300), '\u0000'];

const ENGINE_FRAMES = ['', '0', '0{}', '1', '2', '2probe', '3', '3probe', '4', '5', '6', '7', '9', 'bAA==', 'b!', '4b'];

function garbage(random: Seeded): string {
  if (random.chance(0.05)) return `42["publish",{"data":"${TOO_LONG}"}]`;
  return Array.from({ length: random.below(20) }, () => String.fromCharCode(random.below(256))).join('');
}

/** Bytes beside the WebSocket: reserved bits and opcodes, no mask, text that is no UTF-8, half a frame, a close frame. */
function brokenBytes(random: Seeded): Buffer {
  const frames = [
    [0xf1, 0x80, 0, 0, 0, 0],
    [0x83, 0x80, 0, 0, 0, 0],
    [0x81, 0x02, 0x34, 0x31],
    [0x81, 0x83, 0, 0, 0, 0, 0x34, 0x32, 0xff],
    [0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    [0x01, 0x81, 0, 0, 0, 0, 0x34],
    [0x88, 0x80, 0, 0, 0, 0],
    [0x88, 0x82, 0, 0, 0, 0, 0x00, 0x01],
  ];
  return Buffer.from(random.pick(frames));
}
