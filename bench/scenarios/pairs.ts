import type { FlowPlan } from '../load/flow.js';
import type { ThreadPlan } from './traffic.js';

export interface PairsOptions {
  readonly run: string;
  readonly urls: readonly string[];
  readonly connections: number;
  readonly threads: number;
  /** The number of groups that each user reads; if left out, the user reads the inbox. */
  readonly channelsPerUser?: number;
  /** The flow of each thread. */
  readonly flow: FlowPlan;
}

/**
 * Plans users in pairs who write to each other. The two of a pair are connected to different servers (where there is
 * more than one) and live in the same thread of the generator, so that latencies are measured by one clock.
 */
export function pairs(options: PairsOptions): ThreadPlan[] {
  const { run, urls, connections, threads, flow } = options;
  return Array.from({ length: threads }, (_, thread) => {
    const all = Array.from({ length: connections / 2 }, (_, pair) => pair);
    const users = all.filter((pair) => pair % threads === thread).flatMap((pair) => [2 * pair, 2 * pair + 1]);
    const read = users.map((user) => channelsOf(user, options));
    return {
      clients: users.map((user) => ({ user: `${run}-${user}`, url: urls[user % urls.length] ?? '' })),
      joins: read.flatMap((channels, client) =>
        channels
          .filter(({ isInbox }) => !isInbox)
          .map(({ channel }) => ({ client, channel, as: 'subscriber' as const })),
      ),
      traffic: {
        // The partner of a user writes to the channel. The indexes of the two differ in the last bit.
        streams: read.flatMap((channels, index) =>
          channels.map(({ id, channel }) => ({ id, channel, from: index ^ 1 })),
        ),
        receives: read.map((channels) => channels.map(({ id }) => id)),
        flow,
      },
    };
  });
}

interface ReadChannel {
  /** The id of the channel and of the one stream that goes there. */
  readonly id: number;
  readonly channel: string;
  readonly isInbox: boolean;
}

function channelsOf(user: number, { run, channelsPerUser }: PairsOptions): ReadChannel[] {
  if (channelsPerUser === undefined) return [{ id: user, channel: `user:${run}-${user}`, isInbox: true }];
  return Array.from({ length: channelsPerUser }, (_, index) => ({
    id: user * channelsPerUser + index,
    channel: `group:${run}-${user}-${index}`,
    isInbox: false,
  }));
}
