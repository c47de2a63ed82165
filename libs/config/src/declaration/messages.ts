import { setting } from '../setting.js';
import { groupPatterns, isOn, onOff, ttl, whole } from '../variable-types.js';

/** The limits of a message body. */
export const body = {
  maxBytes: setting('MAX_MESSAGE_BYTES', whole(1, 1_048_576), {
    default: 65_536,
    doc: 'longest JSON of a message body',
  }),
  maxDepth: setting('MAX_MESSAGE_DEPTH', whole(1, 100), { default: 32, doc: 'deepest nesting of a message body' }),
  maxKeys: setting('MAX_MESSAGE_KEYS', whole(1, 100_000), { default: 1_000, doc: 'most keys in a message body' }),
};

export const delivery = {
  maxChannels: setting('MAX_CHANNELS', whole(1, 10_000), {
    default: 500,
    doc: 'channels a connection may read before it may not subscribe or join any more',
  }),
  historyFromJoin: setting('HISTORY_FROM_JOIN', groupPatterns, {
    default: [],
    doc: 'groups, or patterns like group:private-*, whose history a member reads only from its joining on, unless its token grants subscribe; separated by commas, * for all; left out: members read all of it',
  }),
  receiptsMaxMembers: setting('RECEIPTS_MAX_MEMBERS', whole(0, 1_000_000), {
    default: 100,
    doc: 'members up to which a group gives receipts to whoever publishes there; in a larger group, and in broadcast, a publish that asks for them is refused (3001) unless its token grants receipts; 0: in groups of any size and in broadcast',
  }),
  windowMessages: setting('WINDOW_MESSAGES', whole(1, 10_000), {
    default: 256,
    doc: 'unacknowledged messages in flight per connection',
  }),
  windowBytes: setting('WINDOW_BYTES', whole(1_024, 67_108_864), {
    default: 262_144,
    doc: 'unacknowledged bytes in flight per connection',
  }),
  ackTimeoutMs: setting('ACK_TIMEOUT_MS', whole(100, 600_000), {
    default: 10_000,
    doc: 'a connection that has acknowledged nothing new for this long: what it was sent counts as failed and is tried again',
  }),
  ackFlushMs: setting('ACK_FLUSH_MS', whole(0, 10_000), {
    default: 100,
    doc: 'acknowledgements are written this often',
  }),
  maxAttempts: setting('MAX_ATTEMPTS', whole(1, 100), {
    default: 5,
    doc: 'then the connection is closed; its messages stay stored',
  }),
  maxTotalAttempts: setting('MAX_TOTAL_ATTEMPTS', whole(0, 10_000), {
    default: 0,
    doc: 'failed attempts, on all connections, after which a message is given up for a device and listed as dead; 0: never',
  }),
  /** The lifetime of a message that is published without ttlMs, by the kind of its channel. */
  defaultTtlMs: {
    user: setting('TTL_USER_MS', ttl, {
      default: 0,
      doc: 'how long a message to an inbox may be delivered, unless it says; 0: until retention',
    }),
    group: setting('TTL_GROUP_MS', ttl, { default: 0, doc: 'the same for groups' }),
    broadcast: setting('TTL_BROADCAST_MS', ttl, { default: 0, doc: 'the same for broadcast' }),
  },
  outboxPollMs: setting('OUTBOX_POLL_MS', whole(10, 60_000), {
    default: 100,
    doc: 'how often messages published from SQL or due are looked for',
  }),
  isNotifyOn: setting('NOTIFY', onOff, { default: 'on', doc: 'off: instances find messages by polling alone' }).as(
    isOn,
  ),
  pollMs: setting('POLL_MS', whole(50, 60_000), {
    default: 1_500,
    doc: 'how often an instance looks for messages no hint told it of',
  }),
};

export const publish = {
  maxWaiting: setting('MAX_WAITING_PUBLISHES', whole(1, 1_000_000), {
    default: 20_000,
    doc: 'publishes waiting for a commit before more are refused (4003); of one user a tenth of them, of one API key a half, and 2000 of each at least',
  }),
  deadlineMs: setting('PUBLISH_DEADLINE_MS', whole(100, 60_000), {
    default: 4_000,
    doc: 'a publish not stored by then is refused as retryable',
  }),
  dedupeHours: setting('DEDUPE_HOURS', whole(1, 720), { default: 24, doc: 'how long a publish id is remembered' }),
};
