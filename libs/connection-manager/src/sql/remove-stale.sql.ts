import { statement } from '#database';
import { noteActivity } from './note-activity.js';

/**
 * Removes connections without a sign of life for $1 ms, by the database's clock, a thousand at a time. Not before the
 * database has been up for as long, because after an outage all signs are old, and only if another connection of its
 * instance has given one meanwhile: when the clock of the database is set forward, the signs of all are old until they
 * are written next. Reads the whole table, which is as long as there are connections: an index would end the HOT updates
 * of last_heartbeat.
 */
export const REMOVE_STALE = statement<{ user_id: string }>(
  'remove_stale',
  `with gone as (
     delete from trunkline.connections c
      where (c.user_id, c.connection_id) in (
              select user_id, connection_id from trunkline.connections
               where last_heartbeat < clock_timestamp() - $1 * interval '1 millisecond'
                 and instance_id in (
                       select instance_id from trunkline.connections
                        where last_heartbeat >= clock_timestamp() - $1 * interval '1 millisecond')
               limit 1000)
        and c.last_heartbeat < clock_timestamp() - $1 * interval '1 millisecond'
        and pg_postmaster_start_time() < clock_timestamp() - $1 * interval '1 millisecond'
     returning user_id, session_id, last_heartbeat as seen_at
   ), ${noteActivity('gone')}
   select user_id from gone`,
);
