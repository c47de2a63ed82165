import { signToken } from '#auth';
import { Stranger } from '../../security/attacker.js';
import { JWT_SECRET } from '../../support/server.js';
import type { Dice } from '../dice.js';
import { pause } from './pause.js';

/** The user behind stray clients. This user may do nothing, is in no group, and nobody writes to it. */
export const STRAY_USER = 'stray';
const DEVICES = 5;
const TOKEN_TTL_MS = 3_600_000;
const MOST_FRAMES = 25;
const LONGEST_PAUSE_MS = 120;

type Frame = string | Buffer;

/** Runs one connection of a client that knows the frames of Socket.IO but not when to send which. */
export async function runStray(url: string, dice: Dice, signal: AbortSignal): Promise<void> {
  const stranger = await Stranger.come(url).catch(() => undefined);
  if (!stranger) return;
  const token = signToken(JWT_SECRET, { user: STRAY_USER, ttlMs: TOKEN_TTL_MS, sessionId: `s${dice.whole(1, 1e9)}` });
  try {
    for (let left = dice.whole(1, MOST_FRAMES); left > 0 && !stranger.isHungUp; left--) {
      stranger.sendAtOnce(framesOf(token, dice));
      await pause(dice.between(0, LONGEST_PAUSE_MS), signal);
    }
  } finally {
    stranger.leave();
  }
}

/** Frames that connect and disconnect come most often, because much depends on when they do. */
function framesOf(token: string, dice: Dice): readonly Frame[] {
  const enter = `40${JSON.stringify({ token, deviceId: `d${dice.whole(1, DEVICES)}` })}`;
  if (dice.chance(0.3)) return [enter];
  if (dice.chance(0.3)) return [dice.pick(['41', '41/', '41/,'])];
  return dice.pick<readonly Frame[]>([
    ...[
      [enter, enter],
      [enter, '41'],
      ['41', enter],
      ['41', enter, '41'],
    ],
    ...ENTRANCES.map((frame) => [frame]),
    ...REQUESTS.map((request, id) => [`42${id}${JSON.stringify(request)}`]),
    ...REQUESTS.map((request) => [`42${JSON.stringify(request)}`]),
    [`429${JSON.stringify(['token', { token }])}`],
    ...BINARY,
    ...GARBAGE.map((frame) => [frame]),
  ]);
}

const ENTRANCES = ['40', '40{}', '40{"token":"x"}', '40null', '40[]', '40/', '40/admin,{}', '40/admin,', '41/admin,'];

/** None of these requests may store anything. */
const REQUESTS = [
  ['publish', { channel: 'group:red', type: 'stray', data: 1 }],
  ['publish', { channel: 'broadcast', type: 'stray', data: [{}] }],
  ['publish'],
  ['ack', {}],
  ['ack', { [`user:${STRAY_USER}`]: 1 }],
  ['ack', { 'group:red': 1e15 }],
  ['history', { channel: `user:${STRAY_USER}` }],
  ['history', { channel: 'group:red', limit: -1 }],
  ['join', { channel: 'group:red' }],
  ['leave', { channel: 'group:red' }],
  ['subscribe', { channel: 'broadcast' }],
  ['presence', { channel: 'group:red' }],
  ['watch', { channel: `user:${STRAY_USER}` }],
  ['unwatch', { channel: `user:${STRAY_USER}` }],
  ['token', { token: 'x' }],
  ['logout'],
  ['logout', {}],
  ['ready', {}],
  ['disconnect'],
  ['connect_error', {}],
  ['__proto__', {}],
  [1],
];

const BYTES = Buffer.from([1, 2, 3]);
const HOLDER = '["publish",{"_placeholder":true,"num":0}]';
const BINARY: readonly (readonly Frame[])[] = [
  [`451-${HOLDER}`, BYTES],
  [`451-${HOLDER}`, '41'],
  [`459-${HOLDER}`, BYTES],
  [`461-1${HOLDER}`, BYTES],
  [BYTES],
];

const GARBAGE = [
  ...['', '4', '42', '42[]', '42{}', '42["', '42[null]', '42["a"', '4999', '430[]', '43', '439[1]', '44{}', '44'],
  ...['2', '2probe', '3', '3probe', '5', '6', '0{}', '1', '7', 'x', '\u0000', '4\uFFFF', '40{"token":', '40/x'],
];
