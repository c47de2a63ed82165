import { statement } from '#database';

/**
 * Leases places, and gives places back. Null for a key: the table was emptied, and what is in use here has been written
 * down again. Locks as those of rates; a share counts while its instance is registered.
 */
export const LEASE_PLACES = statement<{ shares: (number | null)[] }>(
  'lease_places',
  `select trunkline.lease_places($1, $2::text[], $3::integer[], $4::integer[], $5::integer[], $6::integer[], $7) as shares`,
);
