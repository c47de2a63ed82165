import type { Attack } from '../attack.js';
import type { Lair } from '../lair.js';
import { FIRST_BYTE, frame } from '../wire/frames.js';
import type { RawSocket } from '../wire/raw-socket.js';

const PINGS = Buffer.concat(Array.from({ length: 500 }, () => frame('x'.repeat(100), FIRST_BYTE.ping)));
const PONGS = Buffer.concat(Array.from({ length: 500 }, () => frame('3')));
const TINY_MORE = Buffer.concat(Array.from({ length: 500 }, () => frame('x', FIRST_BYTE.more)));
const EMPTY_MORE = Buffer.concat(Array.from({ length: 500 }, () => frame('', FIRST_BYTE.more)));

/** Opens transports, let in or not, on which the same bytes come without end. */
async function pour(
  lair: Lair,
  transports: number,
  enter: (index: number) => Promise<RawSocket | undefined>,
  bytes: Buffer,
  first: Buffer = Buffer.alloc(0),
): Promise<void> {
  await lair.besiege(transports, async (index) => {
    const socket = await enter(index);
    if (!socket) return false;
    await socket.write(first);
    while (!socket.isEnded && !lair.isOver) await socket.write(bytes);
    socket.leave();
    return true;
  });
}

const beginning = frame('42["publish",', FIRST_BYTE.textToGoOn);

/** The attacks with frames that are allowed one by one. */
export const FRAME_TRICKS: readonly Attack[] = [
  {
    name: 'ping-flood',
    does: '10 sockets of one user that ping as fast as they can; half of them read no pong',
    run: (lair) =>
      pour(
        lair,
        10,
        async (index) => {
          const socket = await lair.enter();
          if (index % 2 === 0) socket?.stopReading();
          return socket;
        },
        PINGS,
      ),
  },
  {
    name: 'pong-flood',
    does: '10 sockets of one user that send pongs nobody asked for as fast as they can',
    run: (lair) => pour(lair, 10, () => lair.enter(), PONGS),
  },
  {
    name: 'tiny-fragments',
    does: '50 transports without a token, each with a message in fragments of one byte that never ends',
    run: (lair) => pour(lair, 50, () => lair.open(), TINY_MORE, beginning),
  },
  {
    name: 'empty-fragments',
    does: '50 transports without a token, each with a message in empty fragments that never ends',
    run: (lair) => pour(lair, 50, () => lair.open(), EMPTY_MORE, beginning),
  },
];
