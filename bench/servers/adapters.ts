import { createAdapter as createPostgresAdapter } from '@socket.io/postgres-adapter';
import { createAdapter as createRedisAdapter } from '@socket.io/redis-adapter';
import { createAdapter as createStreamsAdapter } from '@socket.io/redis-streams-adapter';
import { Pool } from 'pg';
import { createClient } from 'redis';
import type { ServerOptions } from 'socket.io';

/**
 * Connects to Redis without the client's default deadline for every command. Its timers cost some percent of the
 * throughput, and one that fires in a busy moment ends the server.
 */
function redisClient(url: string) {
  return createClient({ url, commandOptions: { timeout: 0 } });
}

/** Connects the servers of a stock Socket.IO, each way as its documentation sets it up. */
export const ADAPTERS = {
  none: async (): Promise<ServerOptions['adapter'] | undefined> => undefined,
  redis: async (url: string): Promise<ServerOptions['adapter']> => {
    const publisher = redisClient(url);
    const subscriber = publisher.duplicate();
    await Promise.all([publisher.connect(), subscriber.connect()]);
    return createRedisAdapter(publisher, subscriber) as ServerOptions['adapter'];
  },
  'redis-streams': async (url: string): Promise<ServerOptions['adapter']> => {
    const client = redisClient(url);
    await client.connect();
    return createStreamsAdapter(client) as ServerOptions['adapter'];
  },
  postgres: async (connectionString: string): Promise<ServerOptions['adapter']> => {
    return createPostgresAdapter(new Pool({ connectionString })) as ServerOptions['adapter'];
  },
} as const;

export type AdapterName = keyof typeof ADAPTERS;
