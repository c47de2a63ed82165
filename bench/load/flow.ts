import type { Stream } from './stream.js';

/** Decides when the streams of a thread publish. */
export interface Flow {
  stop(): void;
}

export type FlowPlan =
  | { readonly kind: 'closed'; /** Publishes under way in each thread. */ readonly outstanding: number }
  | { readonly kind: 'open'; /** The rate of each thread. */ readonly ratePerSecond: number };

export function startFlow(plan: FlowPlan, streams: readonly Stream[]): Flow {
  return plan.kind === 'closed' ? new ClosedLoop(streams, plan.outstanding) : new OpenLoop(streams, plan.ratePerSecond);
}

/**
 * Keeps a fixed number of publishes under way. Each slot goes through its share of the streams in turn, and starts the
 * next publish as soon as the last one is over.
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

  /** A slot stays with its stream if there are no more streams than slots. */
  private next(turn: number): number {
    return this.outstanding >= this.streams.length ? turn : turn + this.outstanding;
  }
}

const TICK_MS = 1;

/**
 * Publishes at a fixed rate whatever comes back. A late publish keeps the time at which it was due, so that a stalled
 * system, or a stalled generator, shows in the latencies of everything that had to wait.
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
