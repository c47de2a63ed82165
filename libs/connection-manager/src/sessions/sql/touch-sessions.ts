/**
 * Makes CTEs that touch the sessions of connections that are gone (user_id, session_id, seen_at) with the time when
 * these were last seen. The rows are locked in sorted order, as in OPEN_SESSIONS, otherwise two statements could wait
 * for each other. Each row is looked up by itself, because the planner takes the CTE for one row and would join
 * thousands of them with each other.
 */
export function touchSessions(gone: string): string {
  return `seen as (
     select user_id, session_id, max(seen_at) as seen_at from ${gone} where session_id is not null
      group by user_id, session_id
   ), locked as (
     select s.* from (select * from seen order by user_id collate "C", session_id collate "C") as n
      cross join lateral (
            select s.user_id from trunkline.sessions s
             where s.user_id = n.user_id and s.session_id = n.session_id limit 1 for no key update) as s
   ), noted as (
     update trunkline.sessions s set last_activity_at = greatest(s.last_activity_at, n.seen_at)
       from seen n
      where s.user_id = n.user_id and s.session_id = n.session_id and (select count(*) from locked) > 0
   )`;
}
