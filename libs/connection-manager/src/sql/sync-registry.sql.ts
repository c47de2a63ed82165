import { statement } from '#database';
import { noteActivity } from './note-activity.js';

/**
 * Writes what changed since the last time: connections come and gone, routes opened and closed, in one statement. A
 * session is noted as active in the commit that removes its connection: whoever sees the one gone sees the other.
 */
export const SYNC_REGISTRY = statement<never>(
  'sync_registry',
  `with come as (
     insert into trunkline.connections (user_id, connection_id, device_id, address, session_id, instance_id)
     select user_id, connection_id, device_id, address, session_id, $1
       from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
            as c (user_id, connection_id, device_id, address, session_id)
      order by user_id collate "C", connection_id collate "C"
     on conflict (user_id, connection_id) do nothing
   ), gone as (
     delete from trunkline.connections
      where (user_id, connection_id) in (select * from unnest($7::text[], $8::text[])) and instance_id = $1
     returning user_id, session_id, clock_timestamp() as seen_at
   ), ${noteActivity('gone')}, opened as (
     insert into trunkline.routes (channel, instance_id)
     select channel, $1 from unnest($9::text[]) as channel order by channel collate "C"
     on conflict (channel, instance_id) do nothing
   )
   delete from trunkline.routes where channel = any ($10::text[]) and instance_id = $1`,
);
