import { statement } from '#database';

/** The reason to refuse a handshake; null lets it in, and `early` means that its token was issued in the future. */
export type Verdict = 'early' | 'banned' | 'ended' | null;

export interface JudgedRow {
  place: number;
  verdict: Verdict;
  /** The end of the user's ban; Infinity means that no end is known. */
  banned_until: Date | number | null;
}

/**
 * Begins or continues sessions for all handshakes of a moment, and judges each of them: by the ban of its user, by what
 * was revoked after its token was issued, and by the token itself if that names no session ($10, which is null for a
 * token with a sid). Each of these is looked up by itself in a primary key. A session that had ended begins again. Rows
 * are written in sorted order, so that two batches with the same sessions do not wait for each other. $11 is the
 * tolerance for clocks in milliseconds.
 */
export const OPEN_SESSIONS = statement<JudgedRow>(
  'open_sessions',
  `with asked as (
     select * from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::text[], $7::text[], $8::int[],
                          $10::text[])
              with ordinality as a (user_id, session_id, device_id, issued_at, expires_at, address, user_agent, connections, token_id, place)
   ), judged as (
     select a.*, b.banned_until,
            case when a.issued_at > clock_timestamp() + $11 * interval '1 millisecond' then 'early'
                 when b.banned_until > clock_timestamp() then 'banned'
                 when exists (select from trunkline.sessions s where s.user_id = a.user_id and s.session_id = a.session_id
                                 and a.issued_at <= s.refused_until)
                   or exists (select from trunkline.revocations r where r.user_id = a.user_id and a.issued_at <= r.refused_until)
                   or exists (select from trunkline.session_tokens t where t.user_id = a.user_id
                                 and t.token_id = coalesce(a.token_id, 'sid:' || a.session_id)
                                 and t.refused_at is not null) then 'ended' end as verdict
       from asked a
       left join lateral (select banned_until from trunkline.bans b where b.user_id = a.user_id limit 1) as b on true
   ), shown as (
     insert into trunkline.session_tokens (user_id, token_id, session_id, expires_at)
     select user_id, token_id, session_id, max(expires_at)
       from judged where verdict is null and token_id is not null
      group by user_id, token_id, session_id
      order by user_id collate "C", token_id collate "C", session_id collate "C"
     on conflict (user_id, token_id, session_id) do nothing
   ), opened as (
     insert into trunkline.sessions as s (user_id, session_id, device_id, issued_at, expires_at, address, user_agent,
                                          connections, instance_id)
     select user_id, session_id, max(device_id), max(issued_at), max(expires_at), max(address), max(user_agent),
            sum(connections), $9
       from judged where verdict is null
      group by user_id, session_id order by user_id collate "C", session_id collate "C"
     on conflict (user_id, session_id) do update
       set device_id = excluded.device_id, issued_at = greatest(s.issued_at, excluded.issued_at),
           expires_at = greatest(s.expires_at, excluded.expires_at), address = excluded.address,
           user_agent = excluded.user_agent, connections = s.connections + excluded.connections,
           instance_id = excluded.instance_id, last_activity_at = clock_timestamp(), end_reason = null,
           started_at = case when s.end_reason is null then s.started_at else clock_timestamp() end
       where s.refused_until is null or excluded.issued_at > s.refused_until
     returning user_id, session_id
   )
   select j.place, j.banned_until,
          coalesce(j.verdict, case when o.user_id is null then 'ended' end) as verdict
     from judged j left join opened o using (user_id, session_id)`,
);

export type EndReason = 'logout' | 'revoked' | 'expired' | 'inactive';

/** The instances with connections of user $1, if the condition holds. */
const instancesIf = (condition: string): string =>
  `array(select distinct c.instance_id from trunkline.connections c where c.user_id = $1 and ${condition})`;

/**
 * A session with a sid refuses every token for good. A session without one refuses each token that it was shown (by the
 * CTE `refused` of END_SESSION), and any token for its device that was issued before now minus the tolerance for clocks
 * ($4 ms). A token within the tolerance that nobody has shown may be the next login, from an issuer whose clock is
 * behind.
 */
const REFUSED_UNTIL = `case when session_id like 'device:%' then clock_timestamp() - $4 * interval '1 millisecond' else 'infinity' end`;

const END = `ended_at = clock_timestamp(), refused_until = ${REFUSED_UNTIL},
            end_reason = case when end_reason in ('logout', 'revoked') then end_reason else $3 end`;

/**
 * Ends a session on request, and names all instances with connections of the user, because its tokens may be in use on
 * other devices. A second call also refuses what was issued since the first.
 */
export const END_SESSION = statement<{ is_known: boolean; instances: string[] }>(
  'end_session',
  `with ended as (
     update trunkline.sessions set ${END} where user_id = $1 and session_id = $2 returning session_id
   ), refused as (
     update trunkline.session_tokens t set refused_at = clock_timestamp()
      where t.user_id = $1 and t.refused_at is null
        and t.token_id in (select s.token_id from trunkline.session_tokens s where s.user_id = $1 and s.session_id = $2)
   )
   select exists (select from ended) as is_known, ${instancesIf('exists (select from ended)')} as instances`,
);

/**
 * Ends every session of a user, and refuses all tokens issued to it until now, whether shown or not. $2 is any text. If
 * $5 is true, the sids are remembered among the tokens, because the sessions are about to be erased.
 */
export const END_ALL_SESSIONS = statement<{ ended: number; instances: string[] }>(
  'end_all_sessions',
  `with revoked as (
     insert into trunkline.revocations as r (user_id, refused_until)
     values ($1, clock_timestamp() - $4 * interval '1 millisecond')
     on conflict (user_id) do update
       set revoked_at = excluded.revoked_at, refused_until = greatest(r.refused_until, excluded.refused_until)
   ), open as (
     select session_id from trunkline.sessions where user_id = $1 and end_reason is null
   ), ended as (
     update trunkline.sessions set ${END} where user_id = $1 and $2::text is not null
   ), refused as (
     update trunkline.session_tokens set refused_at = clock_timestamp() where user_id = $1 and refused_at is null
   ), remembered as (
     insert into trunkline.session_tokens (user_id, token_id, session_id, expires_at, refused_at)
     select user_id, 'sid:' || session_id, session_id, expires_at, clock_timestamp()
       from trunkline.sessions where user_id = $1 and session_id not like 'device:%' and $5::boolean
     on conflict (user_id, token_id, session_id) do nothing
   )
   select (select count(*) from open) as ended, ${instancesIf('true')} as instances`,
);

/**
 * Ends sessions that have expired or were inactive for $1 ms, a thousand at a time. Tokens are good for $2 ms longer
 * than they say. It reads the whole table, because the job that runs it does so rarely.
 */
export const END_OVERDUE = statement<{ user_id: string }>(
  'end_overdue',
  `with overdue as (
     select user_id, session_id, case when expires_at < clock_timestamp() - $2 * interval '1 millisecond' then 'expired' else 'inactive' end as reason
       from trunkline.sessions s
      where end_reason is null
        and (expires_at < clock_timestamp() - $2 * interval '1 millisecond'
             or (last_activity_at < clock_timestamp() - $1 * interval '1 millisecond'
                 and not exists (select from trunkline.connections c
                                  where c.user_id = s.user_id and c.session_id = s.session_id)))
      order by user_id, session_id limit 1000 for no key update skip locked
   )
   update trunkline.sessions s set ended_at = clock_timestamp(), end_reason = o.reason
     from overdue o where s.user_id = o.user_id and s.session_id = o.session_id
   returning s.user_id`,
);

/**
 * Deletes sessions that ended more than $1 ms ago, by sessions_ended_at_idx. It keeps those whose tokens have not
 * expired ($2 as in END_OVERDUE), so that no revocation of a good token is lost.
 */
export const FORGET_ENDED = statement<{ user_id: string }>(
  'forget_ended',
  `delete from trunkline.sessions
    where (user_id, session_id) in (
            select user_id, session_id from trunkline.sessions
             where ended_at < clock_timestamp() - $1 * interval '1 millisecond' and end_reason is not null
               and expires_at < clock_timestamp() - $2 * interval '1 millisecond'
             order by ended_at limit 1000)
   returning user_id`,
);

/** Deletes tokens that have expired more than $1 ms ago, a thousand at a time, by session_tokens_expires_at_idx. */
export const FORGET_TOKENS = statement<{ user_id: string }>(
  'forget_tokens',
  `delete from trunkline.session_tokens
    where (user_id, token_id, session_id) in (
            select user_id, token_id, session_id from trunkline.session_tokens
             where expires_at < clock_timestamp() - $1 * interval '1 millisecond' order by expires_at limit 1000)
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

/** Lists the sessions of a user, open ones first and then the newest. */
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
