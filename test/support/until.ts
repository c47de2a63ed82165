import { setTimeout as delay } from 'node:timers/promises';

const PAUSE_MS = 20;

type Falsy = false | null | undefined | 0 | '';

/**
 * Asks until the answer is truthy, and returns it. Tests wait for conditions, never for time to pass.
 * @throws Error naming what did not happen within the deadline
 */
export async function until<T>(
  what: string,
  ask: () => T | Promise<T>,
  deadlineMs = 10_000,
): Promise<Exclude<Awaited<T>, Falsy>> {
  const endsAt = performance.now() + deadlineMs;
  for (;;) {
    const answer = await ask();
    if (answer) return answer as Exclude<Awaited<T>, Falsy>;
    if (performance.now() > endsAt) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await delay(PAUSE_MS);
  }
}
