import { query } from '../infrastructure/postgres.js';
import { ROW_TABLES } from '../servers/row-store.js';
import type { Peer } from './peer.js';
import { ServerProcess, startServers } from './server-process.js';

const DATABASE = 'row_per_message_bench';

/** Stores messages durably as Trunkline does, but with a row and a commit for every step of every message. */
export const rowPerMessage: Peer = {
  name: 'row-per-message',
  wire: 'socketio',
  async start({ infrastructure, instances, nodeArgs }) {
    const postgres = await infrastructure.postgres();
    await postgres.dropDatabase(DATABASE);
    const url = await postgres.createDatabase(DATABASE);
    await query(url, ROW_TABLES);
    return startServers(instances, (server) =>
      ServerProcess.start({
        program: 'bench/servers/row-server.js',
        env: { DATABASE_URL: url },
        nodeArgs: nodeArgs(server),
      }),
    );
  },
};
