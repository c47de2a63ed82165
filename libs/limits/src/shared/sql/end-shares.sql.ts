import { statement } from '#database';

/**
 * Ends every share of an instance, also the shares of an earlier process with its id. Places are free at once, a rate's
 * share once the requests that it accepted have left the window. The statement reads the whole table, which is small,
 * and runs when an instance starts and ends.
 */
export const END_SHARES = statement<never>(
  'end_shares',
  'work',
  `with places as (delete from trunkline.limit_shares where instance_id = $1 and until is null)
   update trunkline.limit_shares set until = clock_timestamp() where instance_id = $1 and until > clock_timestamp()`,
);
