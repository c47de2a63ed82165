import { setTimeout as delay } from 'node:timers/promises';
import { backoffMs } from './backoff.js';
import { isPassing } from './sql-error.js';

export interface RetryOptions {
  /** The milliseconds in all after which the last error is thrown. */
  readonly deadlineMs: number;
  /** Tells which errors are worth a repeat: by default all that may pass, which suits only work that may run twice. */
  readonly isRetryable?: (error: unknown) => boolean;
}

/** Repeats work that fails with a retryable error, after growing pauses, until it succeeds or the deadline has come. */
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
