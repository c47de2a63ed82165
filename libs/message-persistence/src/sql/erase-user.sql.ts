import { statement } from '#database';

/** The tables that hold something of users, and their pages; the catalog only. */
export const FIND_ERASABLE = statement<{ name: string; pages: number }>(
  'find_erasable',
  'select name, pages from trunkline.erasable()',
);

/** Erases user $4 from $3 pages of table $1, from page $2 on; $5: keeps what it sent to others, without its name. */
export const ERASE_FROM = statement<{ rows: number }>(
  'erase_from',
  'select trunkline.erase_from($1, $2, $3, $4, $5) as rows',
);

/** Locks the inbox's row in channels, as an append does. */
export const ERASE_INBOX = statement<never>('erase_inbox', 'select trunkline.erase_inbox($1)');
