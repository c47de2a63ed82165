import { stockSocketio } from './stock-socketio.js';

/** Shows what one process does alone: without an adapter the servers know nothing of each other. */
export const socketio = stockSocketio('socketio', 'none', async () => '');
