import type { ClientPlan } from '../load/client.js';

/** The number of connection attempts under way in each thread; more would overflow the listen queue of a server. */
export const STORM_CONCURRENCY = 200;

/**
 * Spreads `size` users evenly over the servers and the threads of the generator.
 * @returns one list for each thread
 */
export function clientPlans(run: string, size: number, urls: readonly string[], threads: number): ClientPlan[][] {
  const users = Array.from({ length: size }, (_, user) => ({
    user: `${run}-${user}`,
    url: urls[Math.floor(user / threads) % urls.length] ?? '',
  }));
  return Array.from({ length: threads }, (_, thread) => users.filter((_, user) => user % threads === thread));
}
