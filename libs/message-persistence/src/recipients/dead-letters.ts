import type { Database } from '#database';
import {
  LIST_DEAD_LETTERS,
  PAGE_DEAD_LETTERS,
  PURGE_DEAD_LETTER,
  PURGE_DEAD_LETTERS,
  REQUEUE_DEAD_LETTER,
  type DeadLetterRow,
  type PlacedLetterRow,
} from './sql/dead-letters.sql.js';

/** The position of a dead letter in the list. Its time is text, because a Date would lose the microseconds. */
export type LetterPlace = readonly [diedAt: string, messageId: string, user: string, deviceId: string];

const NOWHERE: LetterPlace = ['-infinity', '00000000-0000-0000-0000-000000000000', '', ''];
const PURGED_AT_ONCE = 1_000;

/** Lists, purges and requeues dead letters: messages given up for a device after too many attempts in all. */
export class DeadLetters {
  constructor(private readonly database: Database) {}

  list(limit: number): Promise<DeadLetterRow[]> {
    return this.database.rows(LIST_DEAD_LETTERS, [limit]);
  }

  /** Returns the page of the list that follows a position, for all users (undefined) or for one. */
  async page(user: string | undefined, after: LetterPlace | undefined, limit: number): Promise<PlacedLetterRow[]> {
    const [diedAt, ...rest] = after ?? NOWHERE;
    return this.database.rows(PAGE_DEAD_LETTERS, [diedAt, limit, user ?? null, ...rest]);
  }

  /** Takes a message off the list for good. @returns for how many devices it was on the list */
  async purge(messageId: string): Promise<number> {
    return (await this.database.rows(PURGE_DEAD_LETTER, [messageId])).length;
  }

  /** Takes dead letters that died before `time` off the list, the oldest first, at most 1000. @returns how many */
  async purgeBefore(time: string): Promise<number> {
    return (await this.database.rows(PURGE_DEAD_LETTERS, [time, PURGED_AT_ONCE])).length;
  }

  /** @returns how many users get a copy in their inbox; 0 if the message is no dead letter, or its body is gone */
  async requeue(messageId: string): Promise<number> {
    const [row] = await this.database.rows(REQUEUE_DEAD_LETTER, [messageId]);
    return row?.requeued ?? 0;
  }
}

/** Returns the position of a row in the list; the next page begins after it. */
export function placeOf({ died_at_exactly, message_id, user_id, device_id }: PlacedLetterRow): LetterPlace {
  return [died_at_exactly, message_id, user_id, device_id];
}
