import type { Wire } from '../load/client.js';
import type { Infrastructure } from '../infrastructure/infrastructure.js';
import type { ServerProcess } from './server-process.js';

export const SYSTEMS = [
  'trunkline',
  'socketio',
  'socketio-redis',
  'socketio-redis-streams',
  'socketio-postgres',
  'row-per-message',
] as const;
export type SystemName = (typeof SYSTEMS)[number];

export interface PeerSurroundings {
  readonly infrastructure: Infrastructure;
  /** The number of server processes. */
  readonly instances: number;
  /** Makes arguments for Node, e.g. for a profile of the server with this number. */
  readonly nodeArgs: (server: number) => readonly string[];
  readonly jwtSecret: string;
  readonly apiKey: string;
}

/** A system that brings messages from user to user, and what it takes to run it. */
export interface Peer {
  readonly name: SystemName;
  readonly wire: Wire;
  start(surroundings: PeerSurroundings): Promise<ServerProcess[]>;
}
