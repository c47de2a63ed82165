import { statement } from '#database';

/**
 * Leases places, and gives places back. Null for a key means that the table was emptied, and that the places in use
 * here have been written down again. It takes the same locks as for rates. A share counts while its instance is
 * registered.
 */
export const LEASE_PLACES = statement<{ shares: (number | null)[] }>(
  'lease_places',
  'work',
  `select trunkline.lease_places($1, $2::text[], $3::integer[], $4::integer[], $5::integer[], $6::integer[], $7) as shares`,
);
