import { migrate } from '#database';
import { MIGRATIONS } from '../../migrations/index.js';
import type { Peer } from './peer.js';
import { ServerProcess, startServers } from './server-process.js';

const DATABASE = 'trunkline_bench';

/** Runs the servers of this build, as `npm start` does. Each start begins with an empty database. */
export const trunkline: Peer = {
  name: 'trunkline',
  wire: 'trunkline',
  async start({ infrastructure, instances, nodeArgs, jwtSecret, apiKey }) {
    const postgres = await infrastructure.postgres();
    await postgres.dropDatabase(DATABASE);
    const url = await postgres.createDatabase(DATABASE);
    await migrate(url, MIGRATIONS);
    // The limits of a key are off, because the capacity of the server is measured and not what one key may use.
    const unlimited = { KEY_REQUESTS_PER_S: '0', KEY_BYTES_PER_S: '0' };
    const env = { DATABASE_URL: url, JWT_SECRET: jwtSecret, API_KEYS: `bench:${apiKey}`, ...unlimited };
    return startServers(instances, (server) =>
      ServerProcess.start({ program: 'apps/server/main.js', env, nodeArgs: nodeArgs(server) }),
    );
  },
};
