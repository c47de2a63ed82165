import { migrate } from '#database';
import { MIGRATIONS } from '../../migrations/index.js';
import { query, type Postgres } from '../infrastructure/postgres.js';
import { APPEND_BODY } from './append-loop.js';

export const STORED_CHANNELS = 20_000;
/** Whole days before today. With today they make a week, which is what is kept by default. */
const DAYS = 6;

const MAKE_PARTITIONS = `
  select trunkline.make_partition(parent, current_date - back)
    from unnest(array['messages', 'publish_ids', 'attempts']) as parent, generate_series(-1, ${DAYS}) as back`;

/**
 * Inserts $1 messages of the day $2 days ago, spread evenly over the channels and the day (for today: over the part
 * that has passed), with ids as the server makes them (UUID v7). Each day goes on where the one before it ended.
 */
const FILL_DAY = `
  insert into trunkline.messages (channel, seq, id, sender, type, body, created_at)
  select 'user:' || n % ${STORED_CHANNELS}, ((${DAYS} - $2::int) * $1::bigint + n) / ${STORED_CHANNELS} + 1,
         (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7' || substr(md5(n::text), 1, 3) ||
          '8' || substr(md5(n::text), 4, 15))::uuid, 'bench', 'bench', $3::text, at
    from generate_series(0, $1::bigint - 1) as n,
         lateral (select current_date - $2::int as day) as d,
         lateral (select d.day + n * (least(clock_timestamp(), d.day + interval '1 day') - d.day) / $1::bigint as at) as t`;

/** Every message published within the dedupe window has a publish id. */
const FILL_PUBLISH_IDS = `
  insert into trunkline.publish_ids (channel, publisher, publish_id, seq, message_id, created_at)
  select channel, 'user:bench', id, seq, id, created_at from trunkline.messages
   where created_at > clock_timestamp() - interval '1 day'`;

/** All databases have the same channels, so that they differ only in the messages stored. */
const FILL_CHANNELS = `
  insert into trunkline.channels (channel, last_seq, last_at)
  select 'user:' || n, $1::bigint / ${STORED_CHANNELS} + 1, clock_timestamp() from generate_series(0, ${STORED_CHANNELS} - 1) as n`;

/** Makes a database of the real schema with this number of messages, stored over a week of daily partitions. */
export async function createStoredDatabase(postgres: Postgres, name: string, messages: number): Promise<string> {
  const url = await postgres.createDatabase(name);
  await migrate(url, MIGRATIONS);
  await query(url, `set timezone to 'UTC'; ${MAKE_PARTITIONS}`);
  const perDay = Math.ceil(messages / (DAYS + 1));
  if (perDay > 0) {
    for (let back = DAYS; back >= 0; back--) await query(url, FILL_DAY, [perDay, back, APPEND_BODY]);
    await query(url, FILL_PUBLISH_IDS);
  }
  await query(url, FILL_CHANNELS, [messages]);
  // A server that has run for days would have been vacuumed by autovacuum.
  await query(url, 'vacuum analyze');
  await query(url, 'checkpoint');
  return url;
}
