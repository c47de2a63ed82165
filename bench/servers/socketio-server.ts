import { ADAPTERS, type AdapterName } from './adapters.js';
import { createIo, serve } from './serve.js';

interface Publish {
  readonly channel: string;
  readonly type: string;
  readonly data: unknown;
}

type Reply = (answer: { ok: boolean }) => void;

/** Runs a stock Socket.IO server. A publish is an emit to a room, and is answered once it has been handed on. */
const adapter = await ADAPTERS[process.env['ADAPTER'] as AdapterName](process.env['ADAPTER_URL'] ?? '');
const io = createIo(adapter === undefined ? {} : { adapter });

io.on('connection', async (socket) => {
  const { user } = socket.handshake.auth as { user: string };
  socket.on('publish', ({ channel, type, data }: Publish, reply: Reply) => {
    io.to(channel).emit('message', { channel, sender: user, type, data });
    reply({ ok: true });
  });
  socket.on('join', async ({ channel }: { channel: string }, reply: Reply) => {
    await socket.join(channel);
    reply({ ok: true });
  });
  await socket.join(`user:${user}`);
  socket.emit('ready');
});

await serve(io);
