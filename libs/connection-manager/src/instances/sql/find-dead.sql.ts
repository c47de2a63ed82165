import { statement } from '#database';
import { LOCK_CLASS } from './lease.sql.js';
import { touchSessions } from '../../sessions/sql/touch-sessions.js';

const HAS_LOST_LOCK = `(i.lock_key is not null and not exists (
     select from pg_locks l
      where l.locktype = 'advisory' and l.classid = ${LOCK_CLASS} and l.objid = i.lock_key::oid and l.objsubid = 2
        and l.database = (select oid from pg_database where datname = current_database())))`;

/**
 * An instance seems dead if the advisory lock of its dedicated session is gone, which PostgreSQL frees as soon as the
 * process dies, or if its lease has run out although this PostgreSQL has been up for longer than a lease ($2 ms): after
 * an outage of the database every lease is old and proves nothing.
 */
const IS_DEAD = `(${HAS_LOST_LOCK}
  or (i.lease_expires_at < clock_timestamp()
      and pg_postmaster_start_time() < clock_timestamp() - $2 * interval '1 millisecond'))`;

/** Finds instances that seem dead. It only reads, so an idle cluster writes nothing for it. */
export const FIND_DEAD = statement<{ instance_id: string; has_lost_lock: boolean }>(
  'find_dead',
  `select instance_id, ${HAS_LOST_LOCK} as has_lost_lock from trunkline.instances i where instance_id <> $1 and ${IS_DEAD}`,
);

/**
 * Removes one instance and all that it registered, if it still seems dead; only one of several peers succeeds. Its
 * connections count as alive until its last lease renewal.
 */
export const REMOVE_DEAD = statement<{ instance_id: string; users: string[] }>(
  'remove_dead',
  `with dead as (
     delete from trunkline.instances i where instance_id = $1 and ${IS_DEAD}
     returning instance_id, least(lease_expires_at - $2 * interval '1 millisecond', clock_timestamp()) as beaten_at
   ), gone as (
     delete from trunkline.connections c using dead d where c.instance_id = d.instance_id
     returning c.user_id, c.session_id, greatest(c.last_heartbeat, d.beaten_at) as seen_at
   ), ${touchSessions('gone')}, routes as (
     delete from trunkline.routes where instance_id in (select instance_id from dead)
   )
   select instance_id, array(select user_id from gone) as users from dead`,
);

/** Removes rows of instances that are not registered, which a process wrote at the moment when it was removed. */
export const REMOVE_ORPHANS = statement<{ removed: number }>(
  'remove_orphans',
  `with connections as (
     delete from trunkline.connections c
      where not exists (select from trunkline.instances i where i.instance_id = c.instance_id) returning 1
   ), routes as (
     delete from trunkline.routes r
      where not exists (select from trunkline.instances i where i.instance_id = r.instance_id) returning 1
   )
   select (select count(*) from connections) + (select count(*) from routes) as removed`,
);

/**
 * Removes the rows of an instance when it stops, and those of an id that another process takes over before it registers
 * ($2 is null). What another incarnation of the id has written since stays.
 */
export const REMOVE_SELF = statement<never>(
  'remove_self',
  `with other as (
     select from trunkline.instances where instance_id = $1 and incarnation <> $2::uuid
   ), gone as (
     delete from trunkline.connections where instance_id = $1 and not exists (select from other)
     returning user_id, session_id, last_heartbeat as seen_at
   ), ${touchSessions('gone')}, routes as (
     delete from trunkline.routes where instance_id = $1 and not exists (select from other)
   )
   delete from trunkline.instances where instance_id = $1 and not exists (select from other)`,
);
