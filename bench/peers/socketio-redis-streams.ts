import { stockSocketio } from './stock-socketio.js';

export const socketioRedisStreams = stockSocketio(
  'socketio-redis-streams',
  'redis-streams',
  async ({ infrastructure }) => (await infrastructure.redis()).url,
);
