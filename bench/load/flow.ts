import type { Stream } from './stream.js';

/** When the streams of a thread publish. */
export interface Flow {
  stop(): void;
}

export type FlowPlan =
  | { readonly kind: 'closed'; /** In each thread. */ readonly outstanding: number }
  | { readonly kind: 'open'; /** Of each thread. */ readonly ratePerSecond: number };

export function startFlow(plan: FlowPlan, streams: readonly Stream[]): Flow {
  return plan.kind === 'closed' ? new ClosedLoop(streams, plan.outstanding) : new OpenLoop(streams, plan.ratePerSecond);
}

/**
 * A fixed number of publishes under way: each has a share of the streams in turn, and when it is over the next one goes
 * out at once.
 */
class ClosedLoop implements Flow {
  private isStopped = false;

  constructor(
    private readonly streams: readonly Stream[],
    private readonly outstanding: number,
  ) {
    for (let slot = 0; slot < outstanding && streams.length > 0; slot++) this.publish(slot);
  }

  stop(): void {
    this.isStopped = true;
  }

  private publish(turn: number): void {
    this.streams[turn % this.streams.length]?.publish(performance.now(), () => {
      if (!this.isStopped) this.publish(this.next(turn));
    });
  }

  /** Stays with its stream while there are no more streams than slots. */
  private next(turn: number): number {
    return this.outstanding >= this.streams.length ? turn : turn + this.outstanding;
  }
}

const TICK_MS = 1;

/**
 * Publishes at a fixed rate whatever comes back. What is late keeps the time it was due: a stalled system, or a stalled
 * generator, shows in the latencies of everything that had to wait.
 */
class OpenLoop implements Flow {
  private timer: NodeJS.Timeout | undefined;
  private dueMs = performance.now();
  private turn = 0;
  private readonly gapMs: number;

  constructor(
    private readonly streams: readonly Stream[],
    ratePerSecond: number,
  ) {
    this.gapMs = 1_000 / ratePerSecond;
    if (streams.length > 0) this.tick();
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  private tick(): void {
    for (const now = performance.now(); this.dueMs <= now; this.dueMs += this.gapMs) {
      this.streams[this.turn++ % this.streams.length]?.publish(this.dueMs);
    }
    this.timer = setTimeout(() => this.tick(), TICK_MS);
  }
}
