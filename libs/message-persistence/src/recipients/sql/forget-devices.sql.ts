import { statement } from '#database';

export interface IdleRow {
  user_id: string;
  device_id: string;
}

/**
 * Returns devices not seen for $1 days in which the service ran, at most $2. It reads all devices, because an index on
 * last_seen_at, which changes with each connection, would keep those updates from being HOT.
 */
export const FIND_IDLE_DEVICES = statement<IdleRow>(
  'find_idle_devices',
  'jobs',
  `select user_id, device_id from trunkline.devices
    where last_seen_at < (select trunkline.service_ago(make_interval(days => $1::int)))
    order by last_seen_at limit $2`,
);

/**
 * Deletes devices ($1 users, $2 devices) and their cursors, unless they were seen after all within $3 days in which the
 * service ran.
 */
export const FORGET_DEVICES = statement<never>(
  'forget_devices',
  'jobs',
  `with gone as (
     delete from trunkline.devices d
      using unnest($1::text[], $2::text[]) as idle (user_id, device_id)
      where d.user_id = idle.user_id and d.device_id = idle.device_id
        and d.last_seen_at < (select trunkline.service_ago(make_interval(days => $3::int)))
     returning d.user_id, d.device_id
   ), cursors as (
     delete from trunkline.cursors c using gone where c.user_id = gone.user_id and c.device_id = gone.device_id
   )
   select from gone`,
);
