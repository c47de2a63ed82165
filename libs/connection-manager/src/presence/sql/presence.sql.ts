import { statement } from '#database';

export interface PresenceRow {
  channel: string;
  members: number;
  online: number;
  user_id: string;
  is_online: boolean;
  last_seen_at: Date | null;
}

/** Tells which users of these channels are online and when each was last seen; at most $2 users of each channel. */
export const READ_PRESENCE = statement<PresenceRow>(
  'read_presence',
  'select channel, members, online, user_id, is_online, last_seen_at from trunkline.presence_of($1, $2)',
);

/** Finds who is online in the watched channels. It only reads, whatever it finds. */
export const READ_ONLINE = statement<{ channel: string; user_id: string }>(
  'read_online',
  'select channel, user_id from trunkline.online_in($1)',
);

export interface ChangeRow {
  channel: string;
  user_id: string;
  is_online: boolean;
  last_seen_at: Date | null;
  /** Milliseconds since last_seen_at; null means that the user was never seen. */
  gone_ms: number | null;
  /** False if this instance was registered too recently to conclude that a user who is missing is gone. */
  is_settled: boolean;
}

/**
 * Looks closer at users who seem to have come or gone. After a crash of PostgreSQL has emptied the registry, the
 * instances fill it again within two lease renewals ($4 ms). Until the row of this instance ($3) is that old, a user
 * who is missing may not be gone.
 */
export const READ_CHANGES = statement<ChangeRow>(
  'read_changes',
  `select c.channel, c.user_id,
          exists (select from trunkline.online_in(array[c.channel]) as o where o.user_id = c.user_id) as is_online,
          l.last_seen_at, (extract(epoch from clock_timestamp() - l.last_seen_at) * 1000)::float8 as gone_ms,
          exists (select from trunkline.instances
                   where instance_id = $3 and enrolled_at < clock_timestamp() - $4 * interval '1 millisecond') as is_settled
     from unnest($1::text[], $2::text[]) as c (channel, user_id)
    cross join lateral (select trunkline.last_seen(c.user_id) as last_seen_at) as l`,
);

/**
 * Finds the watched channels of users ($1) who have come or gone, each as the route by which an instance watches it.
 * While nobody watches anything, it ends with one look at the primary key of the routes.
 */
export const FIND_WATCHERS = statement<{ instance_id: string; route: string }>(
  'find_watchers',
  `select r.instance_id, r.channel as route
     from trunkline.routes r
    where r.channel in (select 'presence:' || channel from trunkline.channels_of($1))
      and (select exists (select from trunkline.routes where channel >= 'presence:' and channel < 'presence;'))
    order by r.instance_id, r.channel`,
);
