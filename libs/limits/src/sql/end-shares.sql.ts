import { statement } from '#database';

/**
 * Ends every share of an instance, also those of an earlier process of its id: places are free at once, rates once what
 * was taken has left the window. Reads the whole table, which is small, at the start and the end of an instance.
 */
export const END_SHARES = statement<never>(
  'end_shares',
  `with places as (delete from trunkline.limit_shares where instance_id = $1 and until is null)
   update trunkline.limit_shares set until = clock_timestamp() where instance_id = $1 and until > clock_timestamp()`,
);
