export interface BackoffOptions {
  readonly baseMs: number;
  readonly maxMs: number;
  /** Returns x with 0 ≤ x < 1; tests give their own. */
  readonly random?: () => number;
}

/** Returns the pause after failed attempt number `attempt` (from 1): exponential, with full jitter above half of it. */
export function backoffMs(attempt: number, { baseMs, maxMs, random = Math.random }: BackoffOptions): number {
  const ceiling = Math.min(maxMs, baseMs * 2 ** (attempt - 1));
  return ceiling / 2 + (random() * ceiling) / 2;
}
