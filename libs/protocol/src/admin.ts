import { z } from 'zod';
import { Channel, Identifier, UserId } from './channel.js';
import { HistoryTime } from './client-requests.js';
import { MessageRecord } from './message.js';
import { ConnectionView, DeadLetter, DeliveryStatus, SessionView, Timeline } from './rest.js';

/** A key of ADMIN_API_KEYS has some of these scopes: it may look, act, or remove what cannot be brought back. */
export const ADMIN_SCOPES = ['read', 'operate', 'purge'] as const;
export type AdminScope = (typeof ADMIN_SCOPES)[number];

export const PAGE_MAX = 500;

const ok = { ok: z.literal(true) };
const time = z.iso.datetime();
const next = { next: z.string().nullable().describe('the cursor of the next page; null: this is the last') };
const text = z.string().min(1).max(200);

/** A page begins at its cursor, whose form only the server knows: a client passes it on unchanged. */
const paging = {
  limit: z.coerce.number().int().min(1).max(PAGE_MAX).default(100),
  cursor: z.string().min(1).max(1_000).optional().describe('`next` of the page before, with the same filters'),
};

export const InstanceId = z.string().regex(/^[A-Za-z0-9_.-]{1,45}$/, 'an instance id has 1 to 45 of A-Z a-z 0-9 _ . -');
export const ConnectionId = z.string().regex(/^[A-Za-z0-9_-]{1,60}$/, 'a connection id has 1 to 60 of A-Z a-z 0-9 _ -');
export const JobName = z.string().regex(/^[a-z-]{1,50}$/, 'a job has 1 to 50 of a-z -');

export const Instance = z
  .strictObject({
    instanceId: z.string(),
    startedAt: time,
    leaseExpiresAt: time,
    state: z
      .enum(['serving', 'draining', 'silent'])
      .describe('silent: its lease is over, its peers are about to give it up'),
    connections: z.int(),
    channels: z.int().describe('with readers on it'),
  })
  .meta({ id: 'AdminInstance' });
export const InstancesAnswer = z.strictObject({ ...ok, instances: z.array(Instance).describe('oldest first') });

export const StatusAnswer = z.strictObject({
  ...ok,
  instances: z.array(Instance),
  connections: z.int(),
  usersOnline: z.int(),
  outbox: z
    .strictObject({
      waiting: z.int().describe('messages that enter their channel later, at most 10000'),
      due: z.int().describe('of these, those whose time has come'),
      oldestDueMs: z.int(),
      rejected: z.int().describe('put aside because of an error'),
    })
    .describe('published from SQL, scheduled, receipts'),
  deadLetters: z.int().describe('at most 10000'),
  jobs: z.array(z.strictObject({ job: z.string(), finishedAt: time, error: z.string().nullable() })),
});

export const ConnectionsQuery = z.strictObject({
  user: UserId.optional(),
  instance: InstanceId.optional(),
  device: Identifier.optional(),
  address: text.optional(),
  ...paging,
});
export const Connection = z
  .strictObject({ user: z.string(), ...ConnectionView.shape, sessionId: z.string().nullable(), lastHeartbeatAt: time })
  .meta({ id: 'AdminConnection' });
export const ConnectionsAnswer = z.strictObject({ ...ok, connections: z.array(Connection), ...next });

export const DisconnectedAnswer = z.strictObject({
  ...ok,
  ordered: z
    .int()
    .describe('connections that their instances were told to close: within a second, or BEAT_MS without hints'),
});
export const DrainAnswer = z.strictObject({ ...ok, instanceId: z.string() });

export const UsersQuery = z.strictObject({ ...paging });
export const UsersAnswer = z.strictObject({
  ...ok,
  users: z.array(z.strictObject({ user: z.string(), devices: z.int(), lastSeenAt: time })).describe('by name'),
  ...next,
});

export const Cursor = z
  .strictObject({
    deviceId: z.string(),
    channel: Channel,
    deliveredSeq: z.int().describe('acknowledged up to here'),
    readSeq: z.int(),
    lastSeq: z.int().describe('the end of the channel'),
    pending: z.int().describe('between the two; what expires meanwhile is counted, too'),
    failedAttempts: z.int().describe('at the next message, if MAX_TOTAL_ATTEMPTS is set'),
    updatedAt: time.nullable(),
  })
  .meta({ id: 'AdminCursor' });
/** The body of `PUT /admin/v1/users/:user/ban`. */
export const Ban = z.strictObject({
  reason: z.string().min(1).max(500).optional().describe('for operators; the user is not told'),
  until: HistoryTime.optional().describe('left out: until it is lifted'),
});
export const BanView = z
  .strictObject({
    reason: z.string().nullable(),
    since: time,
    until: time.nullable().describe('null: until it is lifted'),
  })
  .meta({ id: 'AdminBan' });
export const BanAnswer = z.strictObject({ ...ok, user: z.string(), ban: BanView });
export const UnbannedAnswer = z.strictObject({ ...ok, user: z.string() });

export const UserAnswer = z.strictObject({
  ...ok,
  user: z.string(),
  pending: z.int().describe('of the device furthest behind'),
  connections: z.array(ConnectionView),
  devices: z.array(z.strictObject({ deviceId: z.string(), createdAt: time, lastSeenAt: time })),
  ban: BanView.nullable().describe('null: it may come in'),
  sessions: z.array(SessionView),
  cursors: z.array(Cursor).describe('at most 1000, those furthest behind first'),
});

export const EraseQuery = z.strictObject({
  sent: z
    .enum(['remove', 'anonymize'])
    .default('remove')
    .describe('what becomes of the messages that the user sent to others: they go, or only their sender does'),
});
export const ErasedAnswer = z.strictObject({
  ...ok,
  isDone: z.boolean().describe('false: it takes longer and goes on; ask again to learn when it is done'),
  rows: z.int().describe('rows that were removed or changed'),
});

export const ChannelsQuery = z.strictObject({
  prefix: z.string().max(200).default('').describe('what their names begin with, e.g. `group:`'),
  ...paging,
});
export const ChannelView = z
  .strictObject({
    channel: Channel,
    lastSeq: z.int(),
    lastAt: time.nullable().describe('null: nothing was published yet'),
  })
  .meta({ id: 'AdminChannel' });
export const ChannelsAnswer = z.strictObject({ ...ok, channels: z.array(ChannelView), ...next });
export const ChannelAnswer = z.strictObject({
  ...ok,
  ...ChannelView.shape,
  members: z.int().describe('of a group'),
  instances: z.array(z.string()).describe('with readers of it'),
});
export const MembersQuery = z.strictObject({ ...paging });
export const MembersAnswer = z.strictObject({
  ...ok,
  channel: Channel,
  members: z.array(
    z.strictObject({
      user: z.string(),
      joinedSeq: z.int().describe('receives what stands behind it'),
      joinedAt: time,
      devices: z.int(),
    }),
  ),
  ...next,
});

export const MessagesQuery = z.strictObject({
  sender: UserId.optional().describe('the user who published it'),
  recipient: UserId.optional().describe('a user it is for'),
  channel: Channel.optional(),
  from: HistoryTime.optional().describe('left out: an hour before `to`; at most 24 hours before it'),
  to: HistoryTime.optional().describe('left out: now'),
  state: DeliveryStatus.optional().describe(
    'what became of it for `recipient`; without one only expired, cancelled or collapsed',
  ),
  ...paging,
});
export const MessagesAnswer = z.strictObject({
  ...ok,
  messages: z
    .array(MessageRecord.omit({ data: true, metadata: true }))
    .describe('newest first; a page may hold fewer than `limit`, or none, and yet have a next one'),
  ...next,
});

export const MessageQuery = z.strictObject({
  user: UserId.optional().describe('only this user, also if the message is not for it'),
});
export const MessageAnswer = z.strictObject({ ...ok, ...Timeline.shape });

export const DeadLettersQuery = z.strictObject({ user: UserId.optional(), ...paging });
export const DeadLettersAnswer = z.strictObject({
  ...ok,
  deadLetters: z.array(DeadLetter).describe('oldest first'),
  ...next,
});
export const PurgeQuery = z.strictObject({ before: HistoryTime.describe('only what died before') });
export const PurgedAnswer = z.strictObject({ ...ok, purged: z.int().describe('at most 1000; then ask again') });

export const Job = z
  .strictObject({
    job: z.string(),
    does: z.string(),
    cron: z.string(),
    lastRun: z.strictObject({ finishedAt: time, error: z.string().nullable() }).nullable(),
  })
  .meta({ id: 'AdminJob' });
export const JobsAnswer = z.strictObject({ ...ok, jobs: z.array(Job) });
export const RunsQuery = z.strictObject({ ...paging });
export const RunsAnswer = z.strictObject({
  ...ok,
  job: z.string(),
  runs: z
    .array(
      z.strictObject({
        instanceId: z.string(),
        startedAt: time,
        finishedAt: time,
        rows: z.int(),
        error: z.string().nullable(),
      }),
    )
    .describe('newest first'),
  ...next,
});
export const RunJob = z.strictObject({
  dryRun: z.boolean().default(false).describe('only say what it would do'),
});
export const RunJobAnswer = z.strictObject({
  ...ok,
  job: z.string(),
  ran: z.boolean().describe('false: an instance runs it just now'),
  rows: z.int().describe('changed, or on a dry run to be changed'),
  notes: z.array(z.string()),
  error: z.string().nullable(),
});

export const StatsQuery = z.strictObject({
  from: HistoryTime.optional().describe('left out: an hour before `to`'),
  to: HistoryTime.optional().describe('left out: now'),
  stepS: z.coerce.number().int().min(1).max(86_400).default(60).describe('seconds'),
});
export const Step = z
  .strictObject({
    at: time.describe('its beginning'),
    published: z.int(),
    acknowledged: z.int().describe('messages, once for each device'),
    timeouts: z.int().describe('attempts that were not acknowledged in time'),
    disconnected: z.int().describe('attempts whose connection broke'),
    dead: z.int(),
    jobRuns: z.int(),
    jobFailures: z.int(),
  })
  .meta({ id: 'AdminStep' });
export const StatsAnswer = z.strictObject({ ...ok, stepS: z.int(), steps: z.array(Step) });

export const SuspectsQuery = z.strictObject({ ...paging });
export const Suspect = z
  .strictObject({
    address: z.string().describe('of an IPv6 address its first 64 bits; `others`: too many at once to tell apart'),
    reason: z.string().describe('`wrong-key`, `refused-token`, `flood` or `half-open`'),
    count: z.int(),
    firstAt: time,
    lastAt: time,
  })
  .meta({ id: 'AdminSuspect' });
export const SuspectsAnswer = z.strictObject({ ...ok, suspects: z.array(Suspect), ...next });

export const AuditQuery = z.strictObject({ ...paging });
export const Change = z
  .strictObject({
    at: time,
    key: z.string().describe('the name of the admin key'),
    action: z.string(),
    target: z.string(),
    details: z.record(z.string(), z.unknown()),
    requestId: z.string().nullable(),
    instanceId: z.string(),
    result: z.string().nullable().describe('`ok`, or the error; null: under way, or cut short'),
  })
  .meta({ id: 'AdminChange' });
export const AuditAnswer = z.strictObject({ ...ok, changes: z.array(Change).describe('newest first'), ...next });
