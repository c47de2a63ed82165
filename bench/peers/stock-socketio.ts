import type { AdapterName } from '../servers/adapters.js';
import type { Peer, PeerSurroundings, SystemName } from './peer.js';
import { ServerProcess, startServers } from './server-process.js';

/** Runs stock Socket.IO with one of its own adapters. Nothing is stored. */
export function stockSocketio(
  name: SystemName,
  adapter: AdapterName,
  urlOf: (surroundings: PeerSurroundings) => Promise<string>,
): Peer {
  return {
    name,
    wire: 'socketio',
    async start(surroundings) {
      const env = { ADAPTER: adapter, ADAPTER_URL: await urlOf(surroundings) };
      return startServers(surroundings.instances, (server) =>
        ServerProcess.start({
          program: 'bench/servers/socketio-server.js',
          env,
          nodeArgs: surroundings.nodeArgs(server),
        }),
      );
    },
  };
}
