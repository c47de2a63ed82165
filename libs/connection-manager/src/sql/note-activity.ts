/**
 * Two CTEs that write into the sessions of connections that are gone (user_id, session_id, seen_at) when they were last
 * seen. The rows are locked in sorted order, as OPEN_SESSIONS does, or two statements could wait for each other.
 */
export function noteActivity(gone: string): string {
  return `seen as (
     select user_id, session_id, max(seen_at) as seen_at from ${gone} where session_id is not null
      group by user_id, session_id
   ), locked as (
     select user_id, session_id from trunkline.sessions
      where (user_id, session_id) in (select user_id, session_id from seen)
      order by user_id, session_id for no key update
   ), noted as (
     update trunkline.sessions s set last_activity_at = greatest(s.last_activity_at, n.seen_at)
       from locked l join seen n using (user_id, session_id)
      where s.user_id = l.user_id and s.session_id = l.session_id
   )`;
}
