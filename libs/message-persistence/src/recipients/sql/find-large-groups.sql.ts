import { statement } from '#database';

/**
 * Tells for each of many groups $1 whether it has more members than the number at the same index of $2, by
 * memberships_pkey. It counts no further than that number.
 */
export const FIND_LARGE_GROUPS = statement<{ is_large: boolean }>(
  'find_large_groups',
  'work',
  `select exists (select from trunkline.memberships m where m.channel = a.channel offset a.most) as is_large
     from unnest($1::text[], $2::bigint[]) with ordinality as a (channel, most, place)
    order by a.place`,
);
