import { statement } from '#database';
import { touchSessions } from '../../sessions/sql/touch-sessions.js';

/**
 * Removes connections that gave no sign of life for $1 ms by the database's clock, a thousand at a time. It removes
 * none before the database has been up for as long, because after an outage all signs of life are old. It also removes
 * none unless another connection of the same instance has given a sign of life meanwhile, because after the database's
 * clock was set forward all of them are old until they are written next. It reads the whole table, which has one row
 * for each connection, because an index on last_heartbeat would end the HOT updates of that column.
 */
export const REMOVE_STALE = statement<{ user_id: string }>(
  'remove_stale',
  'jobs',
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
   ), ${touchSessions('gone')}
   select user_id from gone`,
);
