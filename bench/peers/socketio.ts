import { stockSocketio } from './stock-socketio.js';

/** Without an adapter its servers know nothing of each other: for what one process does alone. */
export const socketio = stockSocketio('socketio', 'none', async () => '');
