import { z } from 'zod';
import { bounded } from './bounded.js';
import { Channel, DeviceId, errorParams, GroupChannel, UserId } from './channel.js';
import { Message, Metadata, PublishedType, Seq, TTL_MAX_MS } from './message.js';
import { ChannelPresence, PresenceChannel } from './presence.js';
import { ReceiptState } from './receipt.js';

export const PUBLISH_ID_MAX = 100;
/** Messages of a page of history, if nothing is said. */
export const HISTORY_LIMIT = 100;
export const HISTORY_LIMIT_MAX = 500;
export const ACK_CHANNELS_MAX = 1_000;

const ttlMs = z
  .unknown()
  .refine((value) => Number.isInteger(value) && (value as number) >= 1 && (value as number) <= TTL_MAX_MS, {
    error: `must be a whole number of milliseconds from 1 to ${TTL_MAX_MS}`,
    ...errorParams('BAD_TTL'),
  })
  .transform((value) => value as number)
  .meta({ type: 'integer', minimum: 1, maximum: TTL_MAX_MS })
  .describe('how long the message may be delivered, by the database’s clock');

const PublishShape = {
  channel: Channel,
  type: PublishedType,
  data: z
    .unknown()
    .refine((value) => value !== undefined, 'required')
    .describe(
      'the body, any JSON. Its text reaches every reader as it came: digits, the order of keys and repeated keys stay. A number beyond a double (1e400) is refused',
    ),
  metadata: Metadata.optional(),
  ttlMs: ttlMs.optional(),
  publishId: z
    .string()
    .min(1)
    .max(PUBLISH_ID_MAX)
    .optional()
    .describe(
      'chosen by the publisher; repeated with the same id and the same JSON, a publish stores one message and gives the same answer',
    ),
  collapseKey: z
    .string()
    .min(1)
    .max(100)
    .optional()
    .describe(
      'a device that was away gets only the newest message of this key and this publisher: a key never collapses what another user or back end published',
    ),
  deliverTo: z
    .enum(['all-devices', 'first-device'])
    .optional()
    .describe('first-device: of each user only the device that takes it first receives it'),
};

const DeviceOf = z
  .strictObject({ user: UserId, deviceId: DeviceId })
  .describe('`{ user, deviceId }`: a device of a user that does not receive it');

/** A publish of a back end has this shape. */
export const BackendPublish = z
  .strictObject({
    ...PublishShape,
    exceptUser: UserId.optional().describe('a user who does not receive it'),
    exceptDevice: DeviceOf.optional(),
  })
  .meta({ id: 'BackendPublish' });
export type BackendPublish = z.infer<typeof BackendPublish>;

export const Publish = z
  .strictObject({
    ...PublishShape,
    exceptSelf: z.boolean().optional().describe('no device of the publishing user receives it'),
    exceptDevice: z
      .boolean()
      .optional()
      .describe('the publishing device does not receive it, on this connection or a later one'),
    exceptConnection: z
      .boolean()
      .optional()
      .describe(
        'the publishing connection does not receive it; the one that follows after a drop does, so mostly `exceptDevice` is meant',
      ),
    receipts: bounded(z.array(ReceiptState).min(1), 2, 'receipts')
      .optional()
      .describe(
        'have a `trunkline.receipt` sent to the own inbox as the other users acknowledge or read it: see Receipts; of a large group, and of broadcast, this needs the right `receipts:<channel>`',
      ),
  })
  .meta({ id: 'Publish' });
export type Publish = z.infer<typeof Publish>;

const sendAt = z.iso
  .datetime({ offset: true })
  .describe('when it is published, within a second, by the database’s clock; at most a year (366 days) ahead');

export const Schedule = z.strictObject({ ...Publish.shape, sendAt }).meta({ id: 'Schedule' });
export type Schedule = z.infer<typeof Schedule>;
export const BackendSchedule = z.strictObject({ ...BackendPublish.shape, sendAt }).meta({ id: 'BackendSchedule' });
export type BackendSchedule = z.infer<typeof BackendSchedule>;

export const Scheduled = z
  .strictObject({ id: z.uuid(), channel: Channel, sendAt: z.iso.datetime() })
  .meta({ id: 'Scheduled' });
export type Scheduled = z.infer<typeof Scheduled>;

export const Cancelled = z
  .strictObject({
    id: z.uuid(),
    was: z
      .enum(['scheduled', 'stored'])
      .describe('scheduled: never published; stored: kept from whoever had not got it yet'),
  })
  .meta({ id: 'Cancelled' });
export type Cancelled = z.infer<typeof Cancelled>;

export const Published = z
  .strictObject({
    id: z.uuid(),
    channel: Channel,
    seq: Seq,
    createdAt: z.iso.datetime(),
    repeated: z.boolean().optional().describe('true if this publish id had been stored before'),
  })
  .meta({ id: 'Published' });
export type Published = z.infer<typeof Published>;

export const Ack = bounded(z.record(Channel, Seq), ACK_CHANNELS_MAX, 'channels').describe(
  'for each channel, everything up to this seq is processed',
);
export type Ack = z.infer<typeof Ack>;

export const Token = z
  .string()
  .min(1)
  .max(8_192)
  .describe(
    'JWT; its `sub` is the user, its `sid` the session, and without one the device is: see Tokens and sessions',
  );

const ChannelOnly = z.strictObject({ channel: Channel });
const GroupOnly = z.strictObject({ channel: GroupChannel });
const PresenceOnly = z.strictObject({ channel: PresenceChannel });

export const HistoryTime = z.iso.datetime({ offset: true });
export const HistoryOrder = z.enum(['asc', 'desc']).describe('asc, the default: oldest first');

export const History = z.strictObject({
  channel: Channel,
  afterSeq: Seq.optional().describe('only what stands behind this seq'),
  beforeSeq: Seq.optional().describe('only what stands before this seq'),
  from: HistoryTime.optional().describe('only what was published then or later'),
  to: HistoryTime.optional().describe('only what was published before'),
  order: HistoryOrder.optional(),
  limit: z
    .int()
    .min(1)
    .max(HISTORY_LIMIT_MAX)
    .optional()
    .describe(`default ${HISTORY_LIMIT}, at most ${HISTORY_LIMIT_MAX}; a page may end before, at 1 MB`),
});
export type History = z.infer<typeof History>;

export const HistoryPage = z
  .strictObject({
    channel: Channel,
    messages: z.array(Message),
    lastSeq: Seq.describe('the newest stored seq'),
    nextAfterSeq: Seq.nullable().describe('ascending: pass as afterSeq for the next page; null at the end'),
    nextBeforeSeq: Seq.nullable().describe('descending: pass as beforeSeq for the next page; null at the end'),
  })
  .meta({ id: 'HistoryPage' });
export type HistoryPage = z.infer<typeof HistoryPage>;

/**
 * Clients send these requests. Each is answered through the Socket.IO acknowledgement: `{ok:true, …result}` or
 * `{ok:false, error}`.
 */
export const REQUESTS = {
  publish: {
    does: 'Stores a message and answers once it is committed. Needs the right `publish:<channel>`, or membership of the group.',
    payload: Publish,
    result: Published,
  },
  ack: {
    does: 'Acknowledges, cumulatively, what the application has processed. Answered once the position is stored. Merge the `ack` of every packet and `gap`, and send what has come together: a few times a second is enough, and when half the window has come. A channel that the connection reads no more is passed over. It is taken however many other requests wait.',
    payload: Ack,
    result: z.strictObject({}),
  },
  subscribe: {
    does: 'Reads a channel live on this connection, without membership. Nothing is kept for the time away. Needs the right `subscribe:<channel>`.',
    payload: z.strictObject({
      channel: Channel,
      sinceSeq: Seq.optional().describe('deliver from behind this seq; left out: only what comes from now on'),
    }),
    result: z.strictObject({ channel: Channel, seq: Seq, lastSeq: Seq }),
  },
  unsubscribe: {
    does: 'Ends a `subscribe`.',
    payload: ChannelOnly,
    result: z.strictObject({ channel: Channel }),
  },
  join: {
    does: 'Makes the user a member of a group, on all its devices, until it leaves: from now on nothing of it is missed. Needs the right `join:<channel>`, once: a later token without it does not end the membership. A user who is in `MAX_GROUPS_PER_USER` groups joins no more by itself (1019).',
    payload: GroupOnly,
    result: z.strictObject({ channel: Channel, seq: Seq.describe('membership begins behind this seq') }),
  },
  leave: {
    does: 'Ends the membership, on all devices of the user.',
    payload: GroupOnly,
    result: z.strictObject({ channel: Channel }),
  },
  history: {
    does: 'A page of a channel that this connection reads or may subscribe to, bounded by seq or time, in either order. It ends with `limit` messages or at 1 MB, and `nextAfterSeq` or `nextBeforeSeq` leads on. What expired, was cancelled or collapsed is left out, and so is what was withheld from this user, device or connection, or is for one device and not taken by this one. In groups that the server’s `HISTORY_FROM_JOIN` names, a member whose token does not grant `subscribe:<channel>` sees what came behind its joining.',
    payload: History,
    result: HistoryPage,
  },
  read: {
    does: 'The user has read each channel up to a seq; acknowledges it too. Answered once it is stored.',
    payload: Ack,
    result: z.strictObject({}),
  },
  schedule: {
    does: 'Publishes a message at a time, once, whatever instance runs then. Needs the same right as `publish`, now. A user may have `MAX_SCHEDULED_PER_USER` waiting (1019).',
    payload: Schedule,
    result: Scheduled,
  },
  cancel: {
    does: 'Takes back a message of one’s own: a scheduled one is never published, a stored one is kept from the devices that have not got it yet.',
    payload: z.strictObject({ id: z.uuid() }),
    result: Cancelled,
  },
  presence: {
    does: 'Who is online, and was last seen when: oneself, a user with whom one shares a group, or the members of a group of one’s own; others need the right `presence:<channel>`. The answer may be half a second old; it names at most 1,000 users, and the counts are of all. To follow a group, `watch` it.',
    payload: PresenceOnly,
    result: ChannelPresence,
  },
  watch: {
    does: 'As `presence`, and every change from now on comes as an event, for as long as the connection lasts and the right does. A client that reconnects asks again.',
    payload: PresenceOnly,
    result: z.strictObject({ channel: PresenceChannel, online: z.array(z.string()).describe('the users online') }),
  },
  unwatch: {
    does: 'Ends a `watch`.',
    payload: PresenceOnly,
    result: z.strictObject({ channel: PresenceChannel }),
  },
  token: {
    does: 'Puts a new token of the same user and session in the place of the one this connection came with: its end and its grants count from now on. What was asked for with `subscribe` or `watch` and is not granted any more ends, with the event `ended`; memberships stay, because they are the user’s and not the token’s. The token of the handshake is the client’s to replace as well, or the next reconnect shows the old one: give Socket.IO `auth` as a function.',
    payload: z.strictObject({ token: Token }),
    result: z.strictObject({ expiresAt: z.iso.datetime() }),
  },
  logout: {
    does: 'Ends the session: its connections are closed on every instance within seconds, and its tokens are refused on every device.',
    payload: z
      .strictObject({})
      .nullish()
      .transform(() => ({}))
      .describe('nothing; an empty object or null will do as well'),
    result: z.strictObject({}),
  },
} as const;

export type RequestName = keyof typeof REQUESTS;
export type RequestPayload<N extends RequestName> = z.infer<(typeof REQUESTS)[N]['payload']>;
export type RequestResult<N extends RequestName> = z.infer<(typeof REQUESTS)[N]['result']>;
