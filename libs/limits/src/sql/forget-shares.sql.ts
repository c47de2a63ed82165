import { statement } from '#database';

/** Removes shares that count no more: of users who have not come back, and of instances that are gone. */
export const FORGET_SHARES = statement<{ forgotten: number }>(
  'forget_shares',
  'select trunkline.forget_shares() as forgotten',
);
