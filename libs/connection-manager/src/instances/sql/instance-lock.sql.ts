/** Takes the advisory lock of an instance ($1, $2) for as long as the session lives. */
export const TAKE_LOCK = 'select pg_try_advisory_lock($1, $2) as is_held';

/** Ends our former session `$3` if it still holds the lock: the server may not know that its cable is cut. */
export const END_FORMER = `
  select pg_terminate_backend(pid) from pg_locks
   where locktype = 'advisory' and classid = $1 and objid = $2 and pid = $3
     and database = (select oid from pg_database where datname = current_database())`;
