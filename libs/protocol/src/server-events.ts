import { z } from 'zod';
import { Channel } from './channel.js';
import { Ack } from './client-requests.js';
import { Message, Seq } from './message.js';
import { UserPresence } from './presence.js';

const Position = z.strictObject({
  channel: Channel,
  seq: Seq.describe(
    'delivery goes on behind this seq; where it is beyond what the device has processed, what lies between has gone, and its `gap` was sent to a connection that ended',
  ),
  lastSeq: Seq.describe('the newest stored seq'),
});

export const GapReason = z.enum(['expired', 'removed', 'cancelled', 'collapsed', 'withheld', 'taken', 'dead']);
export type GapReason = z.infer<typeof GapReason>;

/** The server sends these events to clients; each has its occasion and the shape of its payload. */
export const EVENTS = {
  ready: {
    when: 'Once, when the connection is registered and nothing published from now on can pass it by.',
    payload: z.strictObject({
      user: z.string(),
      deviceId: z.string(),
      connectionId: z.string(),
      instanceId: z.string(),
      channels: z.array(Position).describe('what this device receives without asking: inbox, groups, broadcast'),
    }),
  },
  messages: {
    when: 'Messages became due. In order, per channel; after a reconnect some may be repeated.',
    payload: z.strictObject({
      messages: z.array(Message),
      ack: Ack.describe('what to send back as `ack` when these are processed'),
    }),
  },
  gap: {
    when: 'A range of the channel is not for this device or not any more: it expired, was removed by retention, cancelled by its publisher, collapsed under a newer message of its key, withheld by its publisher’s wish, taken by another device, or given up (dead).',
    payload: z.strictObject({
      channel: Channel,
      fromSeq: Seq,
      toSeq: Seq,
      reason: GapReason,
      ack: Ack,
    }),
  },
  membership: {
    when: 'The user became a member of a group or left it, through whichever connection or back end.',
    payload: z.strictObject({ channel: Channel, state: z.enum(['joined', 'left']), seq: Seq }),
  },
  presence: {
    when: 'Users of a watched channel have come or gone. One who comes back within a moment was never gone: there is one event for each change.',
    payload: z.strictObject({ channel: Channel, users: z.array(UserPresence) }),
  },
  ended: {
    when: 'A `subscribe` or a `watch` of this connection has ended because the right to it has: a new token does not grant it, or the user left the group. Nothing more of it comes; with the right back, ask again.',
    payload: z.strictObject({
      channel: Channel,
      request: z.enum(['subscribe', 'watch']).describe('what was asked for with'),
    }),
  },
  token_expiring: {
    when: 'The token of this connection ends soon, and the connection with it: send a new one with `token`. The connection is closed (2003) once the token would not be let in any more: TOKEN_CLOCK_TOLERANCE_MS after its end.',
    payload: z.strictObject({ expiresAt: z.iso.datetime() }),
  },
  reconnect: {
    when: 'The instance is draining: connect again after this time, to any instance.',
    payload: z.strictObject({ afterMs: z.int().min(0) }),
  },
  closing: {
    when: 'The server is about to close this connection, and why; it may come in place of `ready`. If it is retryable, Socket.IO comes back by itself; otherwise it does not.',
    payload: z.strictObject({
      code: z.int(),
      message: z.string(),
      retryable: z.boolean(),
      retryAfterMs: z.int().min(0).optional(),
    }),
  },
} as const;

export type EventName = keyof typeof EVENTS;
export type EventPayload<N extends EventName> = z.infer<(typeof EVENTS)[N]['payload']>;
