import { statement } from '#database';

/** Writes what changed since the last time: connections come and gone, routes opened and closed, in one statement. */
export const SYNC_REGISTRY = statement<never>(
  'sync_registry',
  `with come as (
     insert into trunkline.connections (user_id, connection_id, device_id, address, instance_id)
     select user_id, connection_id, device_id, address, $1
       from unnest($2::text[], $3::text[], $4::text[], $5::text[]) as c (user_id, connection_id, device_id, address)
      order by user_id collate "C", connection_id collate "C"
     on conflict (user_id, connection_id) do nothing
   ), gone as (
     delete from trunkline.connections
      where (user_id, connection_id) in (select * from unnest($6::text[], $7::text[])) and instance_id = $1
   ), opened as (
     insert into trunkline.routes (channel, instance_id)
     select channel, $1 from unnest($8::text[]) as channel order by channel collate "C"
     on conflict (channel, instance_id) do nothing
   )
   delete from trunkline.routes where channel = any ($9::text[]) and instance_id = $1`,
);
