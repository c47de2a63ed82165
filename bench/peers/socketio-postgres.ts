import { query } from '../infrastructure/postgres.js';
import { stockSocketio } from './stock-socketio.js';

const DATABASE = 'socketio_postgres_bench';
/** The table for packets that NOTIFY cannot carry, as the adapter's documentation gives it. */
const ATTACHMENTS = `
  create table socket_io_attachments (id bigserial unique, created_at timestamptz default now(), payload bytea)`;

export const socketioPostgres = stockSocketio('socketio-postgres', 'postgres', async ({ infrastructure }) => {
  const postgres = await infrastructure.postgres();
  await postgres.dropDatabase(DATABASE);
  const url = await postgres.createDatabase(DATABASE);
  await query(url, ATTACHMENTS);
  return url;
});
