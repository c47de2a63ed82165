import type { Snapshot } from '../checker/snapshot.js';
import { hashOf, numberOf } from './body.js';
import type { OwnDatabase } from './own-database.js';
import { STRAY_USER } from './stray.js';

/** Every device with every channel that it receives, without the devices of strays, who acknowledge nothing. */
const SUBSCRIPTIONS = `
  select d.user_id, d.device_id, r.channel
    from (select * from trunkline.devices where user_id <> '${STRAY_USER}') d
   cross join lateral (
         select 'user:' || d.user_id union all select 'broadcast'
         union all select m.channel from trunkline.memberships m where m.user_id = d.user_id) as r (channel)`;

const PENDING = `
  select count(*)::int as pending
    from (${SUBSCRIPTIONS}) as s
    join trunkline.channels c using (channel)
    left join trunkline.cursors cu using (user_id, device_id, channel)
   where coalesce(cu.delivered_seq, 0) < c.last_seq`;

const POSITIONS = `
  select s.user_id || '/' || s.device_id as device, s.channel, coalesce(cu.delivered_seq, 0)::int as "deliveredSeq",
         count(m.seq) filter (where m.expires_at is null and m.seq <= coalesce(cu.delivered_seq, 0))::int as delivered,
         count(m.seq) filter (where m.expires_at is null and m.seq > coalesce(cu.delivered_seq, 0))::int as pending,
         count(m.seq) filter (where m.expires_at is not null)::int as expiring
    from (${SUBSCRIPTIONS}) as s
    left join trunkline.cursors cu using (user_id, device_id, channel)
    left join trunkline.messages m using (channel)
   group by 1, 2, 3`;

const MESSAGES = `
  select channel, seq::int, id, body, extract(epoch from created_at)::float8 * 1000 as "createdAtMs",
         expires_at is not null as expires
    from trunkline.messages where body is not null`;

/** Counts the positions of devices that are behind the end of their channel. */
export async function countPending(database: OwnDatabase): Promise<number> {
  const [row] = await database.query<{ pending: number }>(PENDING);
  return row?.pending ?? 0;
}

export async function takeSnapshot(database: OwnDatabase): Promise<Snapshot> {
  const messages = await database.query<{
    channel: string;
    seq: number;
    id: string;
    body: string;
    createdAtMs: number;
    expires: boolean;
  }>(MESSAGES);
  const channels = await database.query<{ channel: string; lastSeq: number }>(
    'select channel, last_seq::int as "lastSeq" from trunkline.channels',
  );
  const positions = await database.query<Snapshot['positions'][number] & Record<string, unknown>>(POSITIONS);
  return {
    channels,
    positions,
    messages: messages.map(({ body, ...row }) => {
      const data: unknown = JSON.parse(body);
      return { ...row, n: numberOf(data), hash: hashOf(data) };
    }),
  };
}
