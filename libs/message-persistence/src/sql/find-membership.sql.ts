import { statement } from '#database';

/** Behind which seq of group $1 the membership of user $2 began, by the primary key. */
export const FIND_MEMBERSHIP = statement<{ joined_seq: number }>(
  'find_membership',
  'select joined_seq from trunkline.memberships where channel = $1 and user_id = $2',
);
