import { setTimeout as delay } from 'node:timers/promises';
import { backoffMs } from './backoff.js';
import { isPassing } from './sql-fault.js';

export interface RetryOptions {
  /** Milliseconds in all; the last error is thrown then. */
  readonly deadlineMs: number;
  /** By default everything that may pass: only for work that may run twice. */
  readonly isRetryable?: (error: unknown) => boolean;
}

/** The one place that repeats a failed statement. */
export async function withRetry<T>(work: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { deadlineMs, isRetryable = isPassing } = options;
  const endsAt = performance.now() + deadlineMs;
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const pauseMs = backoffMs(attempt, { baseMs: 20, maxMs: 1_000 });
      if (!isRetryable(error) || performance.now() + pauseMs > endsAt) throw error;
      await delay(pauseMs);
    }
  }
}
