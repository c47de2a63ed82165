import { statement } from '#database';

/**
 * Returns for each of many users $2 the seq after which its membership in the group at the same index of $1 began; null
 * means that the user is no member. By the primary key.
 */
export const FIND_MEMBERSHIPS = statement<{ joined_seq: number | null }>(
  'find_memberships',
  'work',
  `select m.joined_seq
     from unnest($1::text[], $2::text[]) with ordinality as a (channel, user_id, place)
     left join trunkline.memberships m on m.channel = a.channel and m.user_id = a.user_id
    order by a.place`,
);
