import { statement } from '#database';

/**
 * Tells for each pair whether the user may see the presence of the channel: its own inbox, its groups, and users with
 * whom it shares a group. By memberships_pkey and memberships_user_id_idx.
 */
export const MAY_SEE = statement<{ may_see: boolean }>(
  'may_see',
  'work',
  `select a.channel = trunkline.inbox(a.user_id)
          or exists (select from trunkline.memberships m where m.channel = a.channel and m.user_id = a.user_id)
          or (a.channel like 'user:%' and exists (
                select from trunkline.memberships mine
                  join trunkline.memberships theirs on theirs.channel = mine.channel and theirs.user_id = trunkline.inbox_user(a.channel)
                 where mine.user_id = a.user_id)) as may_see
     from unnest($1::text[], $2::text[]) with ordinality as a (user_id, channel, place) order by a.place`,
);
