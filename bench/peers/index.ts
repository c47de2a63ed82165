import type { Peer, SystemName } from './peer.js';
import { rowPerMessage } from './row-per-message.js';
import { socketioPostgres } from './socketio-postgres.js';
import { socketioRedisStreams } from './socketio-redis-streams.js';
import { socketioRedis } from './socketio-redis.js';
import { socketio } from './socketio.js';
import { trunkline } from './trunkline.js';

export const PEERS: Readonly<Record<SystemName, Peer>> = {
  trunkline,
  socketio,
  'socketio-redis': socketioRedis,
  'socketio-redis-streams': socketioRedisStreams,
  'socketio-postgres': socketioPostgres,
  'row-per-message': rowPerMessage,
};
