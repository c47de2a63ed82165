import { stockSocketio } from './stock-socketio.js';

export const socketioRedis = stockSocketio('socketio-redis', 'redis', async ({ infrastructure }) => {
  return (await infrastructure.redis()).url;
});
