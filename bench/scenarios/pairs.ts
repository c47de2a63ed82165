import type { FlowPlan } from '../load/flow.js';
import type { ThreadPlan } from './traffic.js';

export interface PairsOptions {
  readonly run: string;
  readonly urls: readonly string[];
  readonly connections: number;
  readonly threads: number;
  /** Of each thread. */
  readonly flow: FlowPlan;
}

/**
 * Users in pairs who write to each other's inbox; the two of a pair are connected to different servers (where there is
 * more than one) and live in the same thread of the generator, so that latencies are by one clock.
 */
export function pairs({ run, urls, connections, threads, flow }: PairsOptions): ThreadPlan[] {
  return Array.from({ length: threads }, (_, thread) => {
    const all = Array.from({ length: connections / 2 }, (_, pair) => pair);
    const users = all.filter((pair) => pair % threads === thread).flatMap((pair) => [2 * pair, 2 * pair + 1]);
    return {
      clients: users.map((user) => ({ user: `${run}-${user}`, url: urls[user % urls.length] ?? '' })),
      joins: [],
      traffic: {
        // The stream of a number goes to the user of that number; its partner's place differs in the last bit, too.
        streams: users.map((user, place) => ({ id: user, channel: `user:${run}-${user}`, from: place ^ 1 })),
        receives: users.map((user) => [user]),
        flow,
      },
    };
  });
}
