import { ProtocolError } from '#protocol';

export interface FairQueueOptions {
  /** The most tasks of all owners that run at once. */
  readonly concurrency: number;
  /** The most tasks of one owner that run at once. */
  readonly concurrencyOfOne: number;
  /** The most tasks of all owners that may wait; more are refused. */
  readonly maxWaiting: number;
  /** The most tasks of one owner that may wait; more of this owner are refused. */
  readonly maxWaitingOfOne: number;
  readonly onRefused?: () => void;
}

/** The running and waiting tasks of one owner; kept while there are any. */
interface Lane {
  readonly owner: string;
  running: number;
  readonly waiting: (() => void)[];
}

/**
 * Runs tasks concurrently: a few at once for each owner, and more in total. Tasks that have to wait are taken in turns
 * of their owners, so an owner that asks for much waits behind itself, and a pool of connections always has one left
 * for somebody else. A task that need not wait begins before `run` returns.
 */
export class FairQueue {
  private readonly lanes = new Map<string, Lane>();
  /** The lanes in which something waits; the one whose turn is next stands first. */
  private readonly turns = new Set<Lane>();
  private running = 0;
  private waiting = 0;

  constructor(private readonly options: FairQueueOptions) {}

  /** @throws ProtocolError OVERLOADED if too many tasks wait, of this owner or in total */
  async run<T>(owner: string, work: () => Promise<T>): Promise<T> {
    const lane = this.laneOf(owner);
    if (lane.waiting.length > 0 || !this.mayStart(lane)) await this.wait(lane);
    else this.begin(lane);
    try {
      return await work();
    } finally {
      this.end(lane);
    }
  }

  private laneOf(owner: string): Lane {
    let lane = this.lanes.get(owner);
    if (!lane) {
      lane = { owner, running: 0, waiting: [] };
      this.lanes.set(owner, lane);
    }
    return lane;
  }

  private mayStart({ running }: Lane): boolean {
    return this.running < this.options.concurrency && running < this.options.concurrencyOfOne;
  }

  /** Resolves when it is the lane's turn. By then the task is counted as running. */
  private wait(lane: Lane): Promise<void> {
    const { maxWaiting, maxWaitingOfOne } = this.options;
    if (this.waiting >= maxWaiting) throw this.refusal(lane, 'requests');
    if (lane.waiting.length >= maxWaitingOfOne) throw this.refusal(lane, `requests of ${lane.owner}`);
    this.waiting += 1;
    this.turns.add(lane);
    return new Promise((resolve) => lane.waiting.push(resolve));
  }

  private refusal(lane: Lane, what: string): ProtocolError {
    this.forgetIfIdle(lane);
    this.options.onRefused?.();
    return new ProtocolError('OVERLOADED', `too many ${what} are waiting`);
  }

  private begin(lane: Lane): void {
    this.running += 1;
    lane.running += 1;
  }

  private end(lane: Lane): void {
    this.running -= 1;
    lane.running -= 1;
    this.forgetIfIdle(lane);
    this.startNext();
  }

  /**
   * Starts the next task. Its owner goes to the end if it has more waiting. The search is short, because the owners
   * that it passes over are few: each has as many tasks running as it may.
   */
  private startNext(): void {
    for (const lane of this.turns) {
      if (!this.mayStart(lane)) continue;
      const start = lane.waiting.shift();
      this.turns.delete(lane);
      if (lane.waiting.length > 0) this.turns.add(lane);
      this.waiting -= 1;
      this.begin(lane);
      start?.();
      return;
    }
  }

  private forgetIfIdle(lane: Lane): void {
    if (lane.running === 0 && lane.waiting.length === 0) this.lanes.delete(lane.owner);
  }
}
