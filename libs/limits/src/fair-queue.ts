import { Fault } from '#protocol';

export interface FairQueueOptions {
  /** Works under way at most. */
  readonly concurrency: number;
  /** Of one owner. */
  readonly concurrencyOfOne: number;
  /** Works that may wait, beyond which more are refused. */
  readonly maxWaiting: number;
  /** Of one owner. */
  readonly maxWaitingOfOne: number;
  readonly onRefused?: () => void;
}

/** An owner with something under way or waiting. */
interface Lane {
  readonly owner: string;
  running: number;
  readonly waiting: (() => void)[];
}

/**
 * Runs works side by side, some at once for each owner and more in all; what has to wait is taken in turns of the owners.
 * So whoever asks for much waits behind itself, and a pool of connections always has one left for somebody else. Work
 * that need not wait begins at once, before `run` returns.
 */
export class FairQueue {
  private readonly lanes = new Map<string, Lane>();
  /** Those of the lanes in which something waits, next first. */
  private readonly turns = new Set<Lane>();
  private running = 0;
  private waiting = 0;

  constructor(private readonly options: FairQueueOptions) {}

  /** @throws Fault OVERLOADED if too much waits, of this owner or in all */
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

  /** Resolves when it is the lane's turn, with the place taken. */
  private wait(lane: Lane): Promise<void> {
    const { maxWaiting, maxWaitingOfOne } = this.options;
    if (this.waiting >= maxWaiting) throw this.refusal(lane, 'requests');
    if (lane.waiting.length >= maxWaitingOfOne) throw this.refusal(lane, `requests of ${lane.owner}`);
    this.waiting += 1;
    this.turns.add(lane);
    return new Promise((resolve) => lane.waiting.push(resolve));
  }

  private refusal(lane: Lane, what: string): Fault {
    this.forgetIfIdle(lane);
    this.options.onRefused?.();
    return new Fault('OVERLOADED', `too many ${what} are waiting`);
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

  /** An owner who has more waiting goes to the end. Those passed over are few: each has as much under way as it may. */
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
