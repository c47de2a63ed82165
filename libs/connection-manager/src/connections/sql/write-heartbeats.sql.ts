import { statement } from '#database';

/**
 * Writes the last signs of life of an instance's connections in one statement. $3 is the age of each in milliseconds,
 * so that the time is the database's. Rows are found by primary key, updates are HOT, and the table is UNLOGGED: there
 * is no WAL but the commit record.
 */
export const WRITE_HEARTBEATS = statement<{ written: number }>(
  'write_heartbeats',
  'work',
  `with beaten as (
     update trunkline.connections c set last_heartbeat = clock_timestamp() - h.age_ms * interval '1 millisecond'
       from unnest($1::text[], $2::text[], $3::float8[]) as h (user_id, connection_id, age_ms)
      where c.user_id = h.user_id and c.connection_id = h.connection_id
     returning 1)
   select count(*) as written from beaten`,
);
