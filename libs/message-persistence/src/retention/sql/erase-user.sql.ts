import { statement } from '#database';

/** Lists the tables that hold something of users, with their number of pages; it reads only the catalog. */
export const FIND_ERASABLE = statement<{ name: string; pages: number }>(
  'find_erasable',
  'jobs',
  'select name, pages from trunkline.erasable()',
);

/** Erases user $4 from $3 pages of table $1, from page $2 on; if $5, what it sent to others stays, without its name. */
export const ERASE_FROM = statement<{ rows: number }>(
  'erase_from',
  'jobs',
  'select trunkline.erase_from($1, $2, $3, $4, $5) as rows',
);

/** Erases the inbox of user $1. It locks the inbox's row in channels, as an append does. */
export const ERASE_INBOX = statement<never>('erase_inbox', 'jobs', 'select trunkline.erase_inbox($1)');
