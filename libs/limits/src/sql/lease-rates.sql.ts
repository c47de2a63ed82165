import { statement } from '#database';

/**
 * Leases shares of many rates. The function takes a lock for each of 64 classes of keys, so that two instances never
 * share out the same key at once, and reads and writes a few rows by the primary key.
 */
export const LEASE_RATES = statement<{ shares: number[] }>(
  'lease_rates',
  `select trunkline.lease_rates($1, $2::text[], $3::integer[], $4::integer[], $5::integer[], $6::integer[], $7::integer[],
                                $8) as shares`,
);
