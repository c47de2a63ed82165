import { statement } from '#database';

/**
 * Begins sessions or goes on with them, for all handshakes of a moment. Answers the places of those that may: whose token
 * was issued after what their session refuses. One that had ended begins again. Sorted, so that two batches with the same
 * sessions do not wait for each other.
 */
export const OPEN_SESSIONS = statement<{ place: number }>(
  'open_sessions',
  `with asked as (
     select * from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::text[], $7::text[], $8::int[])
              with ordinality as a (user_id, session_id, device_id, issued_at, expires_at, address, user_agent, connections, place)
   ), allowed as (
     select a.* from asked a left join trunkline.sessions s using (user_id, session_id)
      where s.refused_until is null or a.issued_at > s.refused_until
   ), opened as (
     insert into trunkline.sessions as s (user_id, session_id, device_id, issued_at, expires_at, address, user_agent,
                                          connections, instance_id)
     select user_id, session_id, max(device_id), max(issued_at), max(expires_at), max(address), max(user_agent),
            sum(connections), $9
       from allowed group by user_id, session_id order by user_id collate "C", session_id collate "C"
     on conflict (user_id, session_id) do update
       set device_id = excluded.device_id, issued_at = greatest(s.issued_at, excluded.issued_at),
           expires_at = greatest(s.expires_at, excluded.expires_at), address = excluded.address,
           user_agent = excluded.user_agent, connections = s.connections + excluded.connections,
           instance_id = excluded.instance_id, last_activity_at = clock_timestamp(), end_reason = null,
           started_at = case when s.end_reason is null then s.started_at else clock_timestamp() end
       where s.refused_until is null or excluded.issued_at > s.refused_until
     returning user_id, session_id
   )
   select a.place from allowed a join opened using (user_id, session_id)`,
);

export type EndReason = 'logout' | 'revoked' | 'expired' | 'inactive';

/**
 * Ends a session somebody wants ended, and tells the instances that hold connections of it ($4: hints are on). Its tokens
 * are refused from now on: every one with its sid; of a derived session those issued until now, by whoever's clock.
 */
export const END_SESSION = statement<{ is_known: boolean; told: number }>(
  'end_session',
  `with ended as (
     update trunkline.sessions
        set ended_at = clock_timestamp(), end_reason = $3,
            refused_until = case when session_id like 'device:%' then greatest(clock_timestamp(), issued_at) else 'infinity' end
      where user_id = $1 and session_id = $2 and coalesce(end_reason, '') not in ('logout', 'revoked')
     returning 1
   )
   select exists (select from trunkline.sessions where user_id = $1 and session_id = $2) as is_known,
          (select count(pg_notify('trunkline_' || instance_id, '-'))
             from (select distinct c.instance_id from trunkline.connections c, ended
                    where c.user_id = $1 and c.session_id = $2 and $4) as i) as told`,
);

export interface EndedRow {
  read_at: Date;
  user_id: string | null;
  session_id: string | null;
  end_reason: EndReason | null;
  /** Infinity: every token with its sid. */
  refused_until: Date | number | null;
}

/**
 * What ended since the last look ($1; null: within $2 ms), and a while before: a commit may come later than its ended_at.
 * At least one row, for the time. By sessions_ended_at_idx.
 */
export const FIND_ENDED = statement<EndedRow>(
  'find_ended',
  `select n.read_at, s.user_id, s.session_id, s.end_reason, s.refused_until
     from (select clock_timestamp() as read_at) as n
     left join trunkline.sessions s on s.ended_at > coalesce($1::timestamptz, clock_timestamp() - $2 * interval '1 millisecond') - interval '15 seconds'`,
);

/** Ends what is over by itself, a thousand at a time. Reads the whole table: for a job that runs rarely. */
export const END_OVERDUE = statement<{ user_id: string }>(
  'end_overdue',
  `with overdue as (
     select user_id, session_id, case when expires_at < clock_timestamp() then 'expired' else 'inactive' end as reason
       from trunkline.sessions s
      where end_reason is null
        and (expires_at < clock_timestamp()
             or (last_activity_at < clock_timestamp() - $1 * interval '1 millisecond'
                 and not exists (select from trunkline.connections c
                                  where c.user_id = s.user_id and c.session_id = s.session_id)))
      order by user_id, session_id limit 1000 for no key update skip locked
   )
   update trunkline.sessions s set ended_at = clock_timestamp(), end_reason = o.reason
     from overdue o where s.user_id = o.user_id and s.session_id = o.session_id
   returning s.user_id`,
);

/** Forgets what ended long ago, but no revocation of tokens that are still valid. By sessions_ended_at_idx. */
export const FORGET_ENDED = statement<{ user_id: string }>(
  'forget_ended',
  `delete from trunkline.sessions
    where (user_id, session_id) in (
            select user_id, session_id from trunkline.sessions
             where ended_at < clock_timestamp() - $1 * interval '1 millisecond' and end_reason is not null
               and expires_at < clock_timestamp()
             order by ended_at limit 1000)
   returning user_id`,
);

export interface SessionRow {
  session_id: string;
  device_id: string;
  started_at: Date;
  last_activity_at: Date;
  expires_at: Date;
  connections: number;
  open_connections: number;
  instance_id: string;
  address: string | null;
  user_agent: string | null;
  ended_at: Date | null;
  end_reason: EndReason | null;
}

/** The sessions of a user, those that are open and the newest first. */
export const LIST_SESSIONS = statement<SessionRow>(
  'list_sessions',
  `select s.session_id, s.device_id, s.started_at, greatest(s.last_activity_at, c.last_heartbeat) as last_activity_at,
          s.expires_at, s.connections, c.open_connections, s.instance_id, s.address, s.user_agent,
          case when s.end_reason is not null then s.ended_at end as ended_at, s.end_reason
     from trunkline.sessions s
    cross join lateral (
          select count(*) as open_connections, max(c.last_heartbeat) as last_heartbeat
            from trunkline.connections c join trunkline.instances i using (instance_id)
           where c.user_id = s.user_id and c.session_id = s.session_id) as c
    where s.user_id = $1
    order by s.end_reason is not null, s.started_at desc limit 500`,
);
