import { setTimeout as delay } from 'node:timers/promises';

/**
 * The errors for which a correct statement of the suite may fail. Faults lock what the instances lock, in another
 * order, and end sessions: a deadlock, a serialization failure, a lock or a statement timeout, a session ended, a
 * server starting, all slots taken.
 */
const PASSING = new Set(['40P01', '40001', '55P03', '57014', '57P01', '57P03', '53300', 'ECONNREFUSED', 'ECONNRESET']);
const PAUSE_MS = 200;

/**
 * Repeats work as long as the error that stops it passes by itself.
 * @throws the error of the last try
 */
export async function persist<T>(tries: number, work: () => Promise<T>): Promise<T> {
  for (let left = tries - 1; ; left--) {
    try {
      return await work();
    } catch (error) {
      if (left <= 0 || !isPassing(error)) throw error;
      await delay(PAUSE_MS);
    }
  }
}

function isPassing(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? String(error.code) : '';
  return PASSING.has(code) || error.message.startsWith('Connection terminated');
}
