import { statement } from '#database';

/** Registers an instance that began to run $6 ms ago. No row comes back if another incarnation has its id. */
export const REGISTER_INSTANCE = statement<{ instance_id: string }>(
  'register_instance',
  `with origin as (insert into trunkline.registry_origin default values on conflict do nothing)
   insert into trunkline.instances as i (instance_id, lease_expires_at, draining, lock_key, incarnation, started_at)
   values ($1, clock_timestamp() + $2 * interval '1 millisecond', $3, $4, $5,
           clock_timestamp() - $6 * interval '1 millisecond')
   on conflict (instance_id) do update set lease_expires_at = excluded.lease_expires_at
     where i.incarnation = excluded.incarnation
   returning instance_id`,
);

export interface LeaseRow {
  /** False if the row is gone or belongs to another incarnation. */
  is_held: boolean;
  /**
   * The value changes when PostgreSQL has emptied the UNLOGGED tables; it is null until an instance registers again.
   */
  origin: string | null;
  peers: number;
}

/**
 * Renews the lease and never makes one, because an instance that was removed must notice. The table is UNLOGGED and the
 * update HOT, so there is no WAL but the commit record.
 */
export const RENEW_LEASE = statement<LeaseRow>(
  'renew_lease',
  `with beat as (
     update trunkline.instances
        set lease_expires_at = clock_timestamp() + $2 * interval '1 millisecond', draining = $3, lock_key = $4
      where instance_id = $1 and incarnation = $5
     returning 1
   )
   select exists (select from beat) as is_held, (select origin from trunkline.registry_origin) as origin,
          (select count(*) from trunkline.instances where instance_id <> $1) as peers`,
);

export const LOCK_CLASS = 7_255;

/**
 * Tells whether a living session holds the lock of this instance id ($2), and whether the id has an instance without a
 * lock whose lease still runs.
 */
export const IS_TAKEN = statement<{ is_locked: boolean; is_leased: boolean }>(
  'is_taken',
  `select exists (
            select from pg_locks
             where locktype = 'advisory' and classid = ${LOCK_CLASS} and objid = $2::int::oid and objsubid = 2
               and database = (select oid from pg_database where datname = current_database())) as is_locked,
          exists (
            select from trunkline.instances
             where instance_id = $1 and lock_key is null and lease_expires_at > clock_timestamp()) as is_leased`,
);
