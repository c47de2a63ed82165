import { performance } from 'node:perf_hooks';
import type { Settings } from '#config';
import { Batcher, plainArray, textArray, withRetry, type Database } from '#database';
import { ProtocolError, type HistoryPage, type MessageRecord } from '#protocol';
import type { AppendObserver } from './append-observer.js';
import { AppendBatch } from './append-batch.js';
import { toPage, type ChannelPage, type PageRequest } from './channel-page.js';
import type { DeliveryOptions, Recipient } from './delivery-options.js';
import type { DeviceKey } from '../recipients/devices.js';
import { readHistory, readRecords, type HistoryBounds, type RecordPage } from './history.js';
import type { Appended, AppendItem, NewMessage } from './new-message.js';
import { CLAIM_MESSAGES } from './sql/claim-messages.sql.js';
import {
  FIND_ATTEMPTS,
  FIND_RECIPIENTS,
  type AttemptRow,
  type RecipientRow,
} from '../recipients/sql/find-recipients.sql.js';
import { FIND_MESSAGE } from './sql/find-message.sql.js';
import { OLDEST_UNREAD } from './sql/oldest-unread.sql.js';
import { READ_CHANNELS } from './sql/read-channels.sql.js';
import { toIso, toRecord } from './stored-message.js';

export type MessageLogOptions = Settings['publish'] & {
  /** The observer is told of every batch. */
  readonly observer?: AppendObserver;
};

export interface MessageStatus {
  readonly message: MessageRecord;
  /** The newer message of the same collapse key that took its place; undefined means that there is none. */
  readonly replacedBy: { readonly id: string; readonly seq: number } | undefined;
  readonly controls: DeliveryOptions | null;
  readonly isExpired: boolean;
  readonly recipients: readonly RecipientRow[];
  readonly attempts: readonly AttemptRow[];
}

const MAX_APPEND = 500;
/** The characters of bodies that one commit may store, so that a lone message does not wait for megabytes of others. */
const MAX_APPEND_CHARACTERS = 2_097_152;
/**
 * The part of all waiting publishes that one user may have, so that several users have to flood before others are
 * refused. A back end (KEY_SHARE) is trusted with more.
 */
const USER_SHARE = 0.1;
const KEY_SHARE = 0.5;
/** Every publisher may have this many publishes waiting, because one batch over REST has 1,000. */
const LEAST_WAITING_OF_ONE = 2_000;
/**
 * Milliseconds from the start of a batch of so many items to the start of the next. Every batch costs its transaction,
 * a hint, and a read on each instance that is told, whatever it holds. Without a pause, a thousand messages a second
 * would be as many batches as the machine can carry, and it would be busy with nothing else. The more there is to do,
 * the more larger batches save; beyond 40 ms they save nothing more.
 */
const appendPaceMs = (items: number): number => Math.min(40, 5 + 0.2 * items);
const MAX_READ = 200;
const PAGE_MESSAGES = 200;
const PAGE_BYTES = 262_144;

/**
 * The ordered logs of all channels. An append is answered after its commit and never before. A read returns what
 * follows a position and accounts for every missing seq.
 */
export class MessageLog {
  private readonly appends: Batcher<AppendItem, Appended>;
  private readonly liveReads = this.reader(false);
  private readonly pageReads = this.reader(true);

  constructor(
    private readonly database: Database,
    private readonly options: MessageLogOptions,
  ) {
    this.appends = new Batcher({
      run: (items, answer) => {
        const run = new AppendBatch(database, options.dedupeHours, (item, error) =>
          answer(items.indexOf(item), error),
        ).run(items);
        options.observer?.watch(items, run);
        return run;
      },
      maxItems: MAX_APPEND,
      maxWeight: MAX_APPEND_CHARACTERS,
      weigh: ({ message }) => message.body.length,
      ownerOf: ({ message }) => message.publisher,
      maxWaiting: options.maxWaiting,
      maxWaitingOf: (publisher) => maxWaitingOf(publisher, options.maxWaiting),
      paceMs: appendPaceMs,
    });
  }

  /**
   * Stores one message together with those that wait at the same time. When more wait than one commit stores, their
   * publishers take turns.
   * @throws ProtocolError UNAVAILABLE, OUTCOME_UNKNOWN, OVERLOADED (all retryable), PUBLISH_ID_REUSED
   */
  append(message: NewMessage): Promise<Appended> {
    const endsAt = performance.now() + this.options.deadlineMs;
    if (this.appends.isFullFor(message.publisher)) return Promise.reject(this.tooMany(message.publisher));
    return this.appends.add({ message, endsAt });
  }

  /**
   * Reads for live subscriptions: these reads do not wait behind those that catch up, and collapse nothing. Undefined
   * means that nothing is new.
   */
  readLive(request: PageRequest): Promise<ChannelPage | undefined> {
    return this.liveReads.add(request);
  }

  /**
   * Reads for a subscription that catches up at its own pace: of each collapse key it gets only the newest message.
   * Undefined means that nothing is new.
   */
  readPage(request: PageRequest): Promise<ChannelPage | undefined> {
    return this.pageReads.add(request);
  }

  /** Reads all channels at once; each page has the index of its request. Undefined means that nothing is new there. */
  poll(requests: readonly PageRequest[]): Promise<(ChannelPage | undefined)[]> {
    return this.read(requests, false);
  }

  /** Returns the milliseconds since the oldest message after these positions was stored; 0 means that there is none. */
  async oldestUnreadMs(positions: readonly PageRequest[]): Promise<number> {
    if (positions.length === 0) return 0;
    const [row] = await this.database.rows(OLDEST_UNREAD, [
      textArray(positions.map(({ channel }) => channel)),
      positions.map(({ fromSeq }) => fromSeq),
      positions.map(({ since }) => since?.toISOString() ?? '-infinity'),
    ]);
    return row?.age_ms ?? 0;
  }

  /** Reads a page without the messages withheld from the reader. Without a reader, as for a back end, it shows all. */
  history(channel: string, bounds: HistoryBounds, reader?: Recipient): Promise<HistoryPage> {
    return readHistory(this.database, channel, bounds, reader);
  }

  /** Reads a page that also contains messages that have ended, without their bodies. */
  records(channel: string, bounds: HistoryBounds): Promise<RecordPage> {
    return readRecords(this.database, channel, bounds);
  }

  /**
   * Finds a message by its id, and what became of it for each device. Undefined means that it was never stored, or was
   * removed by retention.
   */
  async status(messageId: string): Promise<MessageStatus | undefined> {
    const [row] = await this.database.rows(FIND_MESSAGE, [messageId]);
    if (!row) return undefined;
    const key = [row.channel, row.seq, row.created_at];
    const [recipients, attempts] = await Promise.all([
      this.database.rows(FIND_RECIPIENTS, [...key, row.expires_at]),
      this.database.rows(FIND_ATTEMPTS, key),
    ]);
    const { channel, seq, controls, is_expired: isExpired, replaced_by: id, replaced_by_seq } = row;
    const replacedBy = id === null || replaced_by_seq === null ? undefined : { id, seq: replaced_by_seq };
    return { message: toRecord(channel, seq, row), replacedBy, controls, isExpired, recipients, attempts };
  }

  /**
   * Claims messages that only one device of a user is to get: the first device that asks takes them.
   * @returns the seqs that belong to this device
   */
  async claim(channel: string, seqs: readonly number[], { user, deviceId }: DeviceKey): Promise<Set<number>> {
    const rows = await this.database.rows(CLAIM_MESSAGES, [channel, seqs, user, deviceId]);
    return new Set(rows.filter((row) => row.device_id === deviceId).map(({ seq }) => seq));
  }

  /** The number of publishes that wait for their commit. */
  get waiting(): number {
    return this.appends.size;
  }

  /** Resolves once every publish taken in has been answered. */
  drain(): Promise<void> {
    return this.appends.drain();
  }

  private tooMany(publisher: string): ProtocolError {
    const whose = this.appends.isFull ? '' : ` of ${publisher}`;
    return new ProtocolError('OVERLOADED', `too many publishes${whose} are waiting`);
  }

  private reader(collapses: boolean): Batcher<PageRequest, ChannelPage | undefined> {
    return new Batcher<PageRequest, ChannelPage | undefined>({
      run: (requests) => withRetry(() => this.read(requests, collapses), { deadlineMs: 1_000 }),
      maxItems: MAX_READ,
    });
  }

  private async read(requests: readonly PageRequest[], collapses: boolean): Promise<(ChannelPage | undefined)[]> {
    const rows = await this.database.rows(READ_CHANNELS, [
      textArray(requests.map(({ channel }) => channel)),
      plainArray(requests.map(({ fromSeq }) => fromSeq)),
      plainArray(requests.map(({ since }) => (since ? toIso(since.getTime()) : '-infinity'))),
      plainArray(requests.map(({ epoch }) => epoch)),
      PAGE_MESSAGES,
      PAGE_BYTES,
      collapses,
    ]);
    let end = 0;
    return requests.map((request, index) => {
      const start = end;
      while (rows[end]?.ord === index + 1) end += 1;
      return toPage(request, rows.slice(start, end));
    });
  }
}

function maxWaitingOf(publisher: string, maxWaiting: number): number {
  const share = publisher.startsWith('user:') ? USER_SHARE : KEY_SHARE;
  return Math.max(LEAST_WAITING_OF_ONE, maxWaiting * share);
}
