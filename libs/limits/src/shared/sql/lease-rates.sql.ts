import { statement } from '#database';

/**
 * Leases shares of many rates. Keys fall into 64 classes, and the function takes one lock for each class that it needs,
 * so that two instances never share out the same key at once. It reads and writes a few rows by the primary key.
 */
export const LEASE_RATES = statement<{ shares: number[] }>(
  'lease_rates',
  'work',
  `select trunkline.lease_rates($1, $2::text[], $3::integer[], $4::integer[], $5::integer[], $6::integer[], $7::integer[],
                                $8) as shares`,
);
