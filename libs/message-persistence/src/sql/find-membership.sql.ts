import { statement } from '#database';

/**
 * For each of many users $2 behind which seq of its group, in the same place of $1, the membership began; null for those
 * who are no members. By the primary key.
 */
export const FIND_MEMBERSHIPS = statement<{ joined_seq: number | null }>(
  'find_memberships',
  `select m.joined_seq
     from unnest($1::text[], $2::text[]) with ordinality as a (channel, user_id, place)
     left join trunkline.memberships m on m.channel = a.channel and m.user_id = a.user_id
    order by a.place`,
);
