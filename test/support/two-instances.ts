import { afterAll, afterEach } from '@jest/globals';
import { Cluster } from './cluster.js';
import type { Server } from './server.js';
import { createTestDatabase, type TestDatabase } from './test-database.js';

type Env = Record<string, string>;

export interface TwoInstances {
  readonly database: TestDatabase;
  readonly cluster: Cluster;
  readonly here: Server;
  readonly there: Server;
}

/**
 * Starts two instances on one new database, for all tests of a file. Clients are closed after each test, and everything
 * ends after the last one.
 * @param env the environment of both, over the defaults of {@link Server.start}
 * @param only the environment of one of them, over that of both
 */
export async function twoInstances(env: Env = {}, only: { here?: Env; there?: Env } = {}): Promise<TwoInstances> {
  const database = await createTestDatabase();
  const cluster = new Cluster(database.url, env);
  const end = async (): Promise<void> => {
    await cluster.end();
    await database.drop();
  };
  try {
    const [here, there] = await Promise.all([cluster.start(only.here), cluster.start(only.there)]);
    afterEach(() => cluster.closeClients());
    afterAll(end);
    return { database, cluster, here, there };
  } catch (error) {
    await end();
    throw error;
  }
}
