import { setTimeout as delay } from 'node:timers/promises';

/**
 * Waits.
 * @throws AbortError at the signal
 */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return delay(ms, undefined, { signal });
}
