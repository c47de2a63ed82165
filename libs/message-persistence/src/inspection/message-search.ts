import { classify, type Database } from '#database';
import { ProtocolError } from '#protocol';
import { SEARCH_MESSAGES, type SearchRow } from './sql/search-messages.sql.js';

/** The position of a message in the results. Its time is text, because a Date would lose the microseconds. */
export type FoundPlace = readonly [createdAt: string, id: string];

export interface SearchFilter {
  readonly from: Date;
  readonly to: Date;
  readonly channel: string | undefined;
  readonly sender: string | undefined;
  readonly recipient: string | undefined;
  readonly state: string | undefined;
}

export interface Found {
  readonly messages: readonly SearchRow[];
  /** The next page begins after this position; undefined means that this page is the last. */
  readonly next: FoundPlace | undefined;
}

const BEGINNING: FoundPlace = ['infinity', 'ffffffff-ffff-ffff-ffff-ffffffffffff'];
/** The messages looked at for one page, so that a search for something rare ends soon, too; its page may be short. */
const LOOKED_AT = 500;

/** Finds messages by sender, recipient, channel, time and state. */
export class MessageSearch {
  private searching: Promise<unknown> = Promise.resolve();

  constructor(private readonly database: Database) {}

  /** Searches run one after the other, because each may read a day. @throws ProtocolError OVERLOADED if that takes too long */
  find(filter: SearchFilter, after: FoundPlace | undefined, limit: number): Promise<Found> {
    const { from, to, channel, sender, recipient, state } = filter;
    const values = [from, to, channel ?? null, sender ?? null, recipient ?? null, state ?? null];
    const rows = this.searching.then(() =>
      this.database.rows(SEARCH_MESSAGES, [...values, ...(after ?? BEGINNING), LOOKED_AT + 1]),
    );
    this.searching = rows.catch(() => undefined);
    return rows
      .then((found) => toPage(found, limit))
      .catch((error: unknown) => {
        if (classify(error) !== 'conflict') throw error;
        throw new ProtocolError(
          'OVERLOADED',
          'that time holds too much to be searched; name a channel or a shorter time',
          {
            cause: error,
          },
        );
      });
  }
}

/** Makes a page of the matching rows. The one row beyond LOOKED_AT only tells whether there is another page. */
function toPage(rows: readonly SearchRow[], limit: number): Found {
  const found = rows.slice(0, LOOKED_AT).filter(({ is_match }) => is_match);
  const messages = found.slice(0, limit);
  const isMore = found.length > limit || rows.length > LOOKED_AT;
  const last = found.length >= limit ? messages.at(-1) : rows[LOOKED_AT - 1];
  return { messages, next: isMore && last ? [last.created_at_exactly, last.id] : undefined };
}
