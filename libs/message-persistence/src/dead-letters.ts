import type { Database } from '#database';
import { LIST_DEAD_LETTERS, REQUEUE_DEAD_LETTER, type DeadLetterRow } from './sql/dead-letters.sql.js';

/** Messages given up for a device after too many attempts in all. */
export class DeadLetters {
  constructor(private readonly database: Database) {}

  list(limit: number): Promise<DeadLetterRow[]> {
    return this.database.rows('work', LIST_DEAD_LETTERS, [limit]);
  }

  /** @returns how many users get a copy in their inbox; 0 if the message is not dead, or gone */
  async requeue(messageId: string): Promise<number> {
    const [row] = await this.database.rows('work', REQUEUE_DEAD_LETTER, [messageId]);
    return row?.requeued ?? 0;
  }
}
