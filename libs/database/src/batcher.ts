import { WaitingLine } from './waiting-line.js';
import { withResolvers, type WithResolvers } from './with-resolvers.js';

export interface BatcherOptions<Item, Result> {
  /**
   * Runs one batch; its results stand in the places of their items. May throw: then each item fails with the error.
   * `answer` settles an item whose result is known before those of the others.
   */
  readonly run: (items: Item[], answer: (place: number, result: Result | Error) => void) => Promise<(Result | Error)[]>;
  readonly maxItems: number;
  /** What one batch may weigh; a heavier item is a batch of its own. Left out: anything. */
  readonly maxWeight?: number;
  readonly weigh?: (item: Item) => number;
  /** Whose item it is: the owners take turns while more waits than one batch holds. Left out: all are one owner's. */
  readonly ownerOf?: (item: Item) => string;
  /** Items waiting or running; beyond it `add` rejects with {@link BatcherFullError}. */
  readonly maxWaiting?: number;
  /**
   * Items of one owner that may wait, beyond which `add` rejects those of this owner. At least `maxItems`: owners are not
   * told apart while less waits. Left out: any number.
   */
  readonly maxWaitingOf?: (owner: string) => number;
  /**
   * Milliseconds from the start of a batch of so many items to the start of the next, while what waits is less than a
   * full batch: none unless given.
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
 * Group commit: what arrives while a batch runs forms the next one, in order, one batch at a time. A lone item starts at
 * the end of the event loop's turn, and batches grow by themselves under load. When more waits than one batch holds, the
 * owners of the items take turns.
 */
export class Batcher<Item, Result> {
  private readonly queue: WaitingLine<Entry<Item, Result>>;
  private running = 0;
  private isScheduled = false;
  /** Until what waits may start, unless it becomes a full batch before. */
  private pause: NodeJS.Timeout | undefined;
  /** By performance.now(), see `paceMs`. */
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

  /** Items waiting or running. */
  get size(): number {
    return this.queue.size + this.running;
  }

  /** `add` would reject whatever it is given. */
  get isFull(): boolean {
    return this.size >= (this.options.maxWaiting ?? Infinity);
  }

  /** `add` would reject the items of this owner. */
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
    // A full batch that waits is on its way before these are answered: the database works on it meanwhile.
    if (this.queue.hasFullBatch) void this.runNext();
    batch.forEach((entry, place) => settle(entry, answers[place]));
    if (this.running > 0) return;
    if (this.queue.size > 0) this.schedule();
    else this.becomeIdle();
  }

  /** What a batch that fails as a whole gives each of its items is the error. */
  private async answersOf(batch: readonly Entry<Item, Result>[]): Promise<(Result | Error)[]> {
    const items = batch.map((entry) => entry.item);
    try {
      return await this.options.run(items, (place, result) => settle(batch[place], result));
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
