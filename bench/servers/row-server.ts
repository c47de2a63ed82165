import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { RowStore, type RowMessage } from './row-store.js';
import { createIo, serve } from './serve.js';

interface Hint {
  readonly connections: readonly string[];
  readonly message: RowMessage;
}

type Reply = (answer: { ok: boolean; error?: string }) => void;

/**
 * Limits the connections in one NOTIFY, which carries less than 8,000 bytes: a message and this many connection ids.
 */
const CONNECTIONS_A_HINT = 250;

/** Runs the row-per-message design as a server: insert, look the connections up, send, update, write the attempts. */
const url = process.env['DATABASE_URL'] ?? '';
const instance = `row_${randomBytes(6).toString('hex')}`;
const store = new RowStore(url, instance);
const io = createIo();

function deliver({ connections, message }: Hint): void {
  for (const connection of connections) io.sockets.sockets.get(connection)?.emit('message', message);
  const writing = [store.markDelivered(message.id), ...connections.map((id) => store.insertAttempt(message.id, id))];
  Promise.all(writing).catch(fail);
}

async function publish(message: Omit<RowMessage, 'id'>, reply: Reply): Promise<void> {
  const stored = await store.insertMessage(message);
  reply({ ok: true });
  const byInstance = new Map<string, string[]>();
  for (const { instance: place, connection_id } of await store.findConnections(stored.channel)) {
    const ids = byInstance.get(place);
    if (ids) ids.push(connection_id);
    else byInstance.set(place, [connection_id]);
  }
  for (const [place, ids] of byInstance) {
    if (place === instance) deliver({ connections: ids, message: stored });
    else await hint(place, ids, stored);
  }
}

async function hint(place: string, ids: readonly string[], message: RowMessage): Promise<void> {
  for (let from = 0; from < ids.length; from += CONNECTIONS_A_HINT) {
    const connections = ids.slice(from, from + CONNECTIONS_A_HINT);
    await store.notify(place, JSON.stringify({ connections, message } satisfies Hint));
  }
}

function fail(error: unknown): void {
  process.stderr.write(`${String(error)}\n`);
}

const listener = new Client({ connectionString: url });
await listener.connect();
await listener.query(`listen ${instance}`);
listener.on('notification', ({ payload = '' }) => deliver(JSON.parse(payload) as Hint));

io.on('connection', async (socket) => {
  const { user } = socket.handshake.auth as { user: string };
  socket.on('publish', (request: Pick<RowMessage, 'channel' | 'type' | 'data'>, reply: Reply) => {
    publish({ ...request, sender: user }, reply).catch((error: unknown) => reply({ ok: false, error: String(error) }));
  });
  socket.on('join', ({ channel }: { channel: string }, reply: Reply) => {
    store.join(channel, user).then(() => reply({ ok: true }), fail);
  });
  socket.on('disconnect', () => void store.removeConnection(socket.id).catch(fail));
  await store.addConnection(socket.id, user);
  socket.emit('ready');
});

await serve(io);
