import { statement } from '#database';

export interface BeatRow {
  /** True if there was no row: the first beat, or the table was emptied, or the peers gave this instance up. */
  is_new: boolean;
  peers: number;
}

/** Renews the lease. UNLOGGED and HOT: no WAL but the commit record. */
export const BEAT = statement<BeatRow>(
  'beat',
  `with beat as (
     insert into trunkline.instances as i (instance_id, lease_expires_at, draining, lock_key)
     values ($1, clock_timestamp() + $2 * interval '1 millisecond', $3, $4)
     on conflict (instance_id) do update
       set lease_expires_at = excluded.lease_expires_at, draining = excluded.draining, lock_key = excluded.lock_key
     returning xmax = 0 as is_new
   )
   select is_new, (select count(*) from trunkline.instances where instance_id <> $1) as peers from beat`,
);

/** Tells the others that there is one more, so that they begin to send hints. */
export const GREET = statement<{ sent: number }>(
  'greet',
  `select count(pg_notify('trunkline_' || instance_id, '!')) as sent from trunkline.instances where instance_id <> $1`,
);

export const LOCK_CLASS = 7_255;

/** True if a living session holds the lock of this instance id. */
export const IS_LOCKED = statement<{ is_locked: boolean }>(
  'is_locked',
  `select exists (
     select from pg_locks
      where locktype = 'advisory' and classid = ${LOCK_CLASS} and objid = $1::int::oid and objsubid = 2
        and database = (select oid from pg_database where datname = current_database())) as is_locked`,
);
