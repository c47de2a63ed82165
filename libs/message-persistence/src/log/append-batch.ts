import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { backoffMs, breaksConstraint, classify, textArray, type Database } from '#database';
import { ProtocolError } from '#protocol';
import type { Appended, AppendItem } from './new-message.js';
import { publishIdReused } from './publish-id-reused.js';
import { APPEND_MESSAGES } from './sql/append-messages.sql.js';

/**
 * A double holds today's milliseconds to a quarter of a microsecond. This is added before rounding down, because
 * otherwise some times would fall short of their whole millisecond.
 */
const HALF_A_MICROSECOND = 0.000_5;

type Result = Appended | Error;
type Column = (string | null)[];

/**
 * Appends one batch and repeats it until every item has an answer. What an error means for an item:
 * refused or in conflict: nothing was stored, so the item goes again until its deadline ·
 * broke underway: it may be stored, so only an item with a publish id may go again ·
 * the data's fault, or a constraint: the items go one by one, so that a poisoned one fails alone.
 */
export class AppendBatch {
  private readonly results = new Map<AppendItem, Result>();

  constructor(
    private readonly database: Database,
    private readonly dedupeHours: number,
    /** Called at once when an item has failed, so that its answer does not wait for items that may still be stored. */
    private readonly onFailed: (item: AppendItem, error: Error) => void = () => undefined,
    /** Items with an attempt that broke underway: they may be stored, so no later failure reports them as refused. */
    private readonly maybeStored = new Set<AppendItem>(),
  ) {}

  async run(items: readonly AppendItem[]): Promise<Result[]> {
    try {
      return await this.append(items);
    } catch (error) {
      return this.goOn(items, error);
    }
  }

  /** Repeats a batch whose first attempt failed, until every item has a result. */
  private async goOn(items: readonly AppendItem[], firstError: unknown): Promise<Result[]> {
    let waiting = [...items];
    let error = firstError;
    for (let attempt = 1; ; attempt++) {
      await this.settle(waiting, error);
      const pauseMs = backoffMs(attempt, { baseMs: 20, maxMs: 500 });
      this.giveUp(waiting, pauseMs, error);
      waiting = waiting.filter((item) => !this.results.has(item));
      if (waiting.length === 0) break;
      await delay(pauseMs);
      try {
        const results = await this.append(waiting);
        waiting.forEach((item, index) => this.results.set(item, results[index] as Result));
        break;
      } catch (again) {
        error = again;
      }
    }
    return items.map((item) => this.results.get(item) ?? new Error('the database gave no answer for this item'));
  }

  private async append(items: readonly AppendItem[]): Promise<Result[]> {
    const [row] = await this.database.rows(APPEND_MESSAGES, [...toColumns(items), this.dedupeHours]);
    const seqs = row?.seqs.split(',') ?? [];
    const times = row?.times.split(',') ?? [];
    const presentMs = Math.floor((row?.present_ms ?? 0) + HALF_A_MICROSECOND);
    // If the function ever leaves an item out, that is a bug: it is reported at once and not retried.
    if (seqs.length !== items.length) throw new Error(`append answered ${seqs.length} of ${items.length} items`);
    return items.map(({ message }, index) => {
      const outcome = row?.outcomes?.[index] ?? 'stored';
      if (outcome === 'conflict') return publishIdReused();
      const createdAt = new Date(Math.floor(Number(times[index]) + HALF_A_MICROSECOND));
      const id = row?.ids?.[index] ?? message.id;
      return { id, seq: Number(seqs[index]), createdAt, presentMs, isRepeated: outcome === 'repeated' };
    });
  }

  private async settle(items: readonly AppendItem[], error: unknown): Promise<void> {
    const kind = classify(error);
    if (kind === 'data' || breaksConstraint(error)) await this.settleOneByOne(items, error);
    else if (kind === 'bug') this.fail(items, () => toError(error));
    if (kind === 'unknown') {
      for (const item of items) this.maybeStored.add(item);
      this.fail(
        items.filter(({ message }) => message.publishId === null),
        () =>
          new ProtocolError('OUTCOME_UNKNOWN', 'the connection broke during the commit; the message may be stored', {
            cause: error,
          }),
      );
    }
  }

  private async settleOneByOne(items: readonly AppendItem[], error: unknown): Promise<void> {
    if (items.length === 1) {
      const refused = (): Error =>
        new ProtocolError('BAD_REQUEST', 'the database refused this message', { cause: error });
      this.fail(items, classify(error) === 'data' ? refused : () => toError(error));
      return;
    }
    for (const item of items) {
      const [result] = await new AppendBatch(this.database, this.dedupeHours, this.onFailed, this.maybeStored).run([
        item,
      ]);
      if (result) this.results.set(item, result);
    }
  }

  private giveUp(items: readonly AppendItem[], pauseMs: number, cause: unknown): void {
    const tooLate = items.filter((item) => item.endsAt < performance.now() + pauseMs);
    const isRefused = (item: AppendItem): boolean => !this.maybeStored.has(item);
    this.fail(
      tooLate.filter(isRefused),
      () => new ProtocolError('UNAVAILABLE', 'the database is out of reach; nothing was stored', { cause }),
    );
    this.fail(
      tooLate.filter((item) => !isRefused(item)),
      () =>
        new ProtocolError('OUTCOME_UNKNOWN', 'the connection broke during the commit; repeat with the same publishId', {
          cause,
        }),
    );
  }

  private fail(items: readonly AppendItem[], makeError: () => Error): void {
    for (const item of items) {
      if (this.results.has(item)) continue;
      const error = makeError();
      this.results.set(item, error);
      this.onFailed(item, error);
    }
  }
}

/** Builds all columns in one pass: an item that has waited has left the processor's caches, so each look is slow. */
function toColumns(items: readonly AppendItem[]): Buffer[] {
  const [channels, ids, publishers, senders, types]: [Column, Column, Column, Column, Column] = [[], [], [], [], []];
  const [bodies, metadata, controls, ttls, publishIds]: [Column, Column, Column, Column, Column] = [[], [], [], [], []];
  for (const { message } of items) {
    channels.push(message.channel);
    ids.push(message.id);
    publishers.push(message.publisher);
    senders.push(message.sender);
    types.push(message.type);
    bodies.push(message.body);
    metadata.push(message.metadata);
    controls.push(message.controls);
    ttls.push(message.ttlMs === null ? null : String(message.ttlMs));
    publishIds.push(message.publishId);
  }
  return [channels, ids, publishers, senders, types, bodies, metadata, controls, ttls, publishIds].map(textArray);
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
