import { isPassing, type Database } from '#database';
import { ProtocolError, type ChannelKind } from '#protocol';
import type { NewMessage } from '../log/new-message.js';
import { moveOneByOne, type Drained } from './move-one-by-one.js';
import { publishIdReused } from '../log/publish-id-reused.js';
import {
  CANCEL_SCHEDULED,
  CANCEL_STORED,
  DRAIN_OUTBOX,
  FIND_SCHEDULED,
  OLDEST_DUE,
  SCHEDULE_MESSAGE,
  type DrainedRow,
  type ScheduledRow,
} from './sql/outbox.sql.js';

const MAX_ROWS = 500;

export interface OutboxOptions {
  readonly dedupeHours: number;
  /** The most scheduled messages of one user that may wait; 0 means any number. */
  readonly maxScheduledOfUser?: number;
  /** The time to live, in milliseconds, of messages that have none of their own; 0 means that they do not expire. */
  readonly defaultTtlMs: Readonly<Record<ChannelKind, number>>;
}

/** Keeps messages that enter their channel later: published from SQL, scheduled for a time, and receipts. */
export class Outbox {
  constructor(
    private readonly database: Database,
    private readonly options: OutboxOptions,
  ) {}

  /**
   * Stores a message until its time comes.
   * @returns its id and time; those of the first message if its publish id waits already or was published
   * @throws ProtocolError PUBLISH_ID_REUSED, UNAVAILABLE, BAD_REQUEST, LIMIT_REACHED
   */
  async schedule(message: NewMessage, sendAt: string): Promise<{ id: string; sendAt: Date }> {
    const row = await this.store(message, sendAt);
    if (row.message_id && row.due_at) return { id: row.message_id, sendAt: row.due_at };
    const { channel, publisher, publishId, type, body } = message;
    const key = [channel, publisher, publishId, type, body];
    const [first] = await this.database.rows(FIND_SCHEDULED, [...key, this.options.dedupeHours]);
    if (!first) throw this.refusal(message, row);
    if (!first.is_same) throw publishIdReused();
    return { id: first.message_id, sendAt: first.due_at };
  }

  private async store(message: NewMessage, sendAt: string): Promise<ScheduledRow> {
    const { id, channel, publisher, sender, type, body, metadata, controls, ttlMs, publishId } = message;
    const values = [sendAt, id, channel, publisher, sender, type, body, metadata, controls, ttlMs, publishId];
    const limits = [this.options.dedupeHours, this.maxScheduledOf(publisher)];
    const [row] = await this.database.rows(SCHEDULE_MESSAGE, [...values, ...limits]);
    if (!row) throw new Error('what is scheduled is always one row');
    return row;
  }

  private refusal({ publisher }: NewMessage, { is_too_far, is_full }: ScheduledRow): ProtocolError {
    if (is_too_far) return new ProtocolError('BAD_REQUEST', 'sendAt: at most a year ahead');
    if (!is_full)
      return new ProtocolError('UNAVAILABLE', 'the message with this publishId was just cancelled; try again');
    const max = this.maxScheduledOf(publisher);
    return new ProtocolError(
      'LIMIT_REACHED',
      `${max} scheduled messages of ${publisher} wait: cancel one, or wait for one`,
    );
  }

  /** Returns the limit of a user; a back end may have any number (0). */
  private maxScheduledOf(publisher: string): number {
    return publisher.startsWith('user:') ? (this.options.maxScheduledOfUser ?? 0) : 0;
  }

  /**
   * Moves due messages into their channels, a bounded number at a time, and none while another instance does it. A
   * message that cannot be moved holds up no other.
   */
  async drain(): Promise<Drained> {
    try {
      return toDrained(await this.move(MAX_ROWS));
    } catch (error) {
      if (isPassing(error)) throw error;
      return moveOneByOne(this.database, () => this.move(1), MAX_ROWS);
    }
  }

  /** Returns the milliseconds that the first due message has waited to enter its channel; 0 means that none waits. */
  async oldestDueMs(): Promise<number> {
    const [row] = await this.database.rows(OLDEST_DUE);
    return row?.age_ms ?? 0;
  }

  /**
   * Cancels a message. @param sender the user who must have sent a stored message; null means a back end, which may
   *   cancel any. @returns `scheduled` if it was still in the outbox, `stored` if it was in its channel
   * @throws ProtocolError NOT_FOUND, FORBIDDEN
   */
  async cancel(id: string, publisher: string, sender: string | null): Promise<'scheduled' | 'stored'> {
    const [scheduled] = await this.database.rows(CANCEL_SCHEDULED, [id, publisher]);
    if (scheduled?.is_own) return 'scheduled';
    const [stored] = await this.database.rows(CANCEL_STORED, [id, sender]);
    if (stored?.is_own) return 'stored';
    if (scheduled || stored) throw new ProtocolError('FORBIDDEN', 'the message is somebody else’s');
    throw new ProtocolError('NOT_FOUND', 'there is no message of this id, or it was removed by retention');
  }

  private move(rows: number): Promise<DrainedRow[]> {
    const { dedupeHours, defaultTtlMs } = this.options;
    const { user, group, broadcast } = defaultTtlMs;
    return this.database.rows(DRAIN_OUTBOX, [rows, dedupeHours, user, group, broadcast]);
  }
}

/** Splits what was drained: a message whose publish id another one took meanwhile has been put aside for good. */
function toDrained(rows: readonly DrainedRow[]): Drained {
  const isLate = ({ outcome }: DrainedRow): boolean => outcome === 'conflict';
  const error = 'its publishId was used for another message before its time came';
  return {
    moved: rows.filter((row) => !isLate(row)),
    putAside: rows.filter(isLate).map((row) => ({ id: row.message_id, error })),
  };
}
