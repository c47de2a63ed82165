import { statement } from '#database';

/** Removes the shares that no longer count: of users who have not come back, and of instances that are gone. */
export const FORGET_SHARES = statement<{ forgotten: number }>(
  'forget_shares',
  'work',
  'select trunkline.forget_shares() as forgotten',
);
