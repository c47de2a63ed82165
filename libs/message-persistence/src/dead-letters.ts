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

/** A letter's place in the list: its time with microseconds, as text, message, user and device. */
export type LetterPlace = readonly [diedAt: string, messageId: string, user: string, deviceId: string];

const NOWHERE: LetterPlace = ['-infinity', '00000000-0000-0000-0000-000000000000', '', ''];
const PURGED_AT_ONCE = 1_000;

/** Messages given up for a device after too many attempts in all. */
export class DeadLetters {
  constructor(private readonly database: Database) {}

  list(limit: number): Promise<DeadLetterRow[]> {
    return this.database.rows('work', LIST_DEAD_LETTERS, [limit]);
  }

  /** A page of the list behind a place, of everybody or of one user. */
  async page(user: string | undefined, after: LetterPlace | undefined, limit: number): Promise<PlacedLetterRow[]> {
    const [diedAt, ...rest] = after ?? NOWHERE;
    return this.database.rows('work', PAGE_DEAD_LETTERS, [diedAt, limit, user ?? null, ...rest]);
  }

  /** Takes a message off the list for good. @returns for how many devices it had died */
  async purge(messageId: string): Promise<number> {
    return (await this.database.rows('work', PURGE_DEAD_LETTER, [messageId])).length;
  }

  /** Takes the oldest off the list, at most 1000, that died before then. @returns how many */
  async purgeBefore(time: string): Promise<number> {
    return (await this.database.rows('work', PURGE_DEAD_LETTERS, [time, PURGED_AT_ONCE])).length;
  }

  /** @returns how many users get a copy in their inbox; 0 if the message is not dead, or gone */
  async requeue(messageId: string): Promise<number> {
    const [row] = await this.database.rows('work', REQUEUE_DEAD_LETTER, [messageId]);
    return row?.requeued ?? 0;
  }
}

/** Behind which the next page of the list begins. */
export function placeOf({ died_at_exactly, message_id, user_id, device_id }: PlacedLetterRow): LetterPlace {
  return [died_at_exactly, message_id, user_id, device_id];
}
