import { withRetry, type Database } from '#database';
import { ERASE_FROM, ERASE_INBOX, FIND_ERASABLE } from './sql/erase-user.sql.js';

/** The pages that one statement erases from: 16 MB, which takes some milliseconds. */
const PAGES_AT_ONCE = 2_000;
const DEADLINE_MS = 10_000;

/**
 * Removes all that is stored about a user, in short statements. If it is interrupted, a part is done, and the next call
 * does the rest. Messages that are published to the user meanwhile may stay. No publisher waits for it for long.
 */
export class Erasure {
  constructor(private readonly database: Database) {}

  /**
   * @param keepsSent tells whether messages that the user sent to others stay, without its name; called before each
   *   statement, because somebody may want them removed meanwhile
   * @returns how many rows were changed
   */
  async erase(user: string, keepsSent: () => boolean): Promise<number> {
    let rows = 0;
    for (const { name, pages } of await this.database.rows(FIND_ERASABLE)) {
      for (let first = 0; first < pages; first += PAGES_AT_ONCE) {
        const part = [name, first, PAGES_AT_ONCE, user];
        const [row] = await this.repeat(() => this.database.rows(ERASE_FROM, [...part, keepsSent()]));
        rows += row?.rows ?? 0;
      }
    }
    await this.repeat(() => this.database.rows(ERASE_INBOX, [user]));
    return rows;
  }

  private repeat<T>(work: () => Promise<T>): Promise<T> {
    return withRetry(work, { deadlineMs: DEADLINE_MS });
  }
}
