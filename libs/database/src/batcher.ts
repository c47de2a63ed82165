import { WaitingLine } from './waiting-line.js';
import { withResolvers, type WithResolvers } from './with-resolvers.js';

export interface BatcherOptions<Item, Result> {
  /**
   * Runs one batch and returns one result for each item, at the same index. If it throws, each item fails with the
   * error. `answer` settles an item whose result is known before those of the others.
   */
  readonly run: (items: Item[], answer: (index: number, result: Result | Error) => void) => Promise<(Result | Error)[]>;
  readonly maxItems: number;
  /** The most that one batch may weigh; a heavier item is a batch of its own. Left out means any weight. */
  readonly maxWeight?: number;
  readonly weigh?: (item: Item) => number;
  /** Names the owner of an item: owners take turns while more waits than one batch holds. Left out means one owner. */
  readonly ownerOf?: (item: Item) => string;
  /** The most items that wait or run, beyond which `add` rejects with {@link BatcherFullError}. */
  readonly maxWaiting?: number;
  /**
   * The most items of one owner that may wait; beyond it `add` rejects the items of this owner. It is at least
   * `maxItems`, because owners are not told apart while less waits. Left out means any number.
   */
  readonly maxWaitingOf?: (owner: string) => number;
  /**
   * Returns the milliseconds from the start of a batch of `items` to the start of the next, for as long as less than a
   * full batch waits. Left out means none.
   */
  readonly paceMs?: (items: number) => number;
}

export class BatcherFullError extends Error {
  constructor(waiting: number) {
    super(`${waiting} items are waiting already`);
    this.name = 'BatcherFullError';
  }
}

interface Entry<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Group commit: the items that arrive while a batch runs form the next one, in order, one batch at a time. A lone item
 * starts at the end of the event loop's turn, and batches grow by themselves under load. When more waits than one batch
 * holds, the owners of the items take turns.
 */
export class Batcher<Item, Result> {
  private readonly queue: WaitingLine<Entry<Item, Result>>;
  private running = 0;
  private isScheduled = false;
  /** The timer until what waits may start, unless it becomes a full batch before. */
  private pause: NodeJS.Timeout | undefined;
  /** The performance.now() before which only a full batch starts, see `paceMs`. */
  private mayStartAtMs = 0;
  private idle: WithResolvers | undefined;

  constructor(private readonly options: BatcherOptions<Item, Result>) {
    const { maxItems, maxWeight = Infinity, weigh, ownerOf } = options;
    this.queue = new WaitingLine({
      maxItems,
      maxWeight,
      ...(weigh && { weigh: ({ item }: Entry<Item, Result>) => weigh(item) }),
      ...(ownerOf && { ownerOf: ({ item }: Entry<Item, Result>) => ownerOf(item) }),
    });
  }

  /** The number of items that wait or run. */
  get size(): number {
    return this.queue.size + this.running;
  }

  /** True if `add` would reject any item. */
  get isFull(): boolean {
    return this.size >= (this.options.maxWaiting ?? Infinity);
  }

  /** True if `add` would reject the items of this owner. */
  isFullFor(owner: string): boolean {
    if (this.isFull) return true;
    const waiting = this.queue.sizeOf(owner);
    return waiting > 0 && waiting >= (this.options.maxWaitingOf?.(owner) ?? Infinity);
  }

  add(item: Item): Promise<Result> {
    const owner = this.options.ownerOf?.(item);
    if (owner === undefined ? this.isFull : this.isFullFor(owner))
      return Promise.reject(new BatcherFullError(this.size));
    return new Promise((resolve, reject) => {
      this.queue.push({ item, resolve, reject });
      this.schedule();
    });
  }

  /** Resolves once nothing waits or runs. */
  async drain(): Promise<void> {
    if (this.size === 0) return;
    this.idle ??= withResolvers();
    await this.idle.promise;
  }

  private schedule(): void {
    if (this.running > 0) return;
    if (this.queue.hasFullBatch && this.pause) this.endPause();
    if (this.isScheduled) return;
    this.isScheduled = true;
    const pauseMs = this.queue.hasFullBatch ? 0 : Math.ceil(this.mayStartAtMs - performance.now());
    if (pauseMs > 0) this.pause = setTimeout(() => this.start(), pauseMs);
    else setImmediate(() => this.start());
  }

  private endPause(): void {
    clearTimeout(this.pause);
    this.pause = undefined;
    this.isScheduled = false;
  }

  private start(): void {
    this.endPause();
    void this.runNext();
  }

  private async runNext(): Promise<void> {
    const batch = this.queue.take();
    if (batch.length === 0) return;
    this.running = batch.length;
    this.mayStartAtMs = performance.now() + (this.options.paceMs?.(batch.length) ?? 0);
    const answers = await this.answersOf(batch);
    this.running = 0;
    // A full batch that waits starts before these items are answered, so that the database works on it meanwhile.
    if (this.queue.hasFullBatch) void this.runNext();
    batch.forEach((entry, index) => settle(entry, answers[index]));
    if (this.running > 0) return;
    if (this.queue.size > 0) this.schedule();
    else this.becomeIdle();
  }

  /** Runs the batch. If it fails as a whole, each of its items gets the error. */
  private async answersOf(batch: readonly Entry<Item, Result>[]): Promise<(Result | Error)[]> {
    const items = batch.map((entry) => entry.item);
    try {
      return await this.options.run(items, (index, result) => settle(batch[index], result));
    } catch (error) {
      const failure = error instanceof Error ? error : new Error(String(error));
      return items.map(() => failure);
    }
  }

  private becomeIdle(): void {
    this.idle?.resolve();
    this.idle = undefined;
  }
}

function settle<Item, Result>(entry: Entry<Item, Result> | undefined, result: Result | Error | undefined): void {
  if (result instanceof Error) entry?.reject(result);
  else entry?.resolve(result as Result);
}
