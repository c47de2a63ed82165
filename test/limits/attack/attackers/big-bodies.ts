import { setTimeout as delay } from 'node:timers/promises';
import type { Attack, AttackSetting } from '../attack.js';
import { MALLORY, type Lair } from '../lair.js';
import { frame } from '../wire/frames.js';
import type { RawSocket } from '../wire/raw-socket.js';
import { CROWD_CHANNEL, makeCrowd } from './crowd.js';

const INBOX = `user:${MALLORY}`;
/** The longest body allowed, with the quotes around it. */
const LONGEST = JSON.stringify('x'.repeat(65_534));
const STORED = 150;
const BATCH = 10;

async function storeLongMessages({ server }: AttackSetting): Promise<void> {
  const message = { channel: INBOX, type: 't', data: 'x'.repeat(65_534) };
  for (let n = 0; n < STORED; n += BATCH) {
    await server.rest('POST', '/v1/messages', { messages: Array<unknown>(BATCH).fill(message) });
  }
}

/**
 * Sends frames as fast as the server takes them, until the connection or the attack ends.
 * @returns false if the attacker was not let in
 */
async function pour(
  lair: Lair,
  socket: RawSocket | undefined,
  next: (id: number) => Buffer,
  most = Infinity,
): Promise<boolean> {
  for (let id = 1; socket && !socket.isEnded && !lair.isOver && id <= most; id++) await socket.write(next(id));
  if (socket && !socket.isEnded && !lair.isOver) await lair.rest(socket.ended);
  socket?.leave();
  return socket !== undefined;
}

const publishBytes: Attack = {
  name: 'publish-bytes',
  does: '20 sockets of one user, 2,000 publishes of 64 KB on each',
  run: (lair) =>
    lair.besiege(20, async () =>
      pour(
        lair,
        await lair.enter(),
        (id) => frame(`42${id}["publish",{"channel":"${INBOX}","type":"t","data":${LONGEST}}]`),
        2_000,
      ),
    ),
};

const historyUnread: Attack = {
  name: 'history-unread',
  does: '90 sockets of one user, each asks for its history of 64 KB messages and reads nothing of it',
  prepare: storeLongMessages,
  run: (lair) =>
    lair.besiege(90, async () => {
      const socket = await lair.enter();
      socket?.send(`421["history",{"channel":"${INBOX}","limit":500}]`);
      socket?.stopReading();
      return pour(lair, socket, () => Buffer.alloc(0), 0);
    }),
};

const historyFlood: Attack = {
  name: 'history-flood',
  does: '90 sockets of one user, each asks for its history of 64 KB messages again and again',
  prepare: storeLongMessages,
  run: (lair) =>
    lair.besiege(90, async () => {
      const socket = await lair.enter();
      for (let id = 1; socket && !socket.isEnded && !lair.isOver; id++) {
        const answered = new Promise<void>((resolve) => {
          socket.onText = (text) => {
            lair.tally.countAnswer(text);
            if (text.startsWith('43')) resolve();
          };
        });
        socket.send(`42${id}["history",{"channel":"${INBOX}","limit":500}]`);
        await Promise.race([answered, socket.ended, lair.rest()]);
      }
      socket?.leave();
      return socket !== undefined;
    }),
};

const PER_TURN = 5;
const TURN_MS = 50;

const presenceUnread: Attack = {
  name: 'presence-unread',
  does: 'the presence of 1,000 users, asked for 100 times a second on each of 5 sockets and never read',
  prepare: ({ database }) => makeCrowd(database),
  run: (lair) =>
    lair.besiege(5, async () => {
      const socket = await lair.enter();
      socket?.stopReading();
      for (let id = 1; socket && !socket.isEnded && !lair.isOver; id += PER_TURN) {
        for (let n = 0; n < PER_TURN; n++) socket.send(`42${id + n}["presence",{"channel":"${CROWD_CHANNEL}"}]`);
        await delay(TURN_MS);
      }
      socket?.leave();
      return socket !== undefined;
    }),
};

const slowReader: Attack = {
  name: 'slow-reader',
  does: '50 sockets of one user that read a byte a second of their inbox and of its history',
  prepare: storeLongMessages,
  run: (lair) =>
    lair.besiege(50, async () => {
      const socket = await lair.enter();
      socket?.stopReading();
      for (let id = 1; socket && !socket.isEnded && !lair.isOver; id++) {
        if (id <= 20) socket.send(`42${id}["history",{"channel":"${INBOX}","limit":100}]`);
        socket.tcp.read(1);
        await Promise.race([delay(1_000), socket.ended, lair.rest()]);
      }
      socket?.leave();
      return socket !== undefined;
    }),
};

/** The attacks whose bodies, asked for or sent, are as long as they may be. */
export const BIG_BODIES: readonly Attack[] = [publishBytes, historyUnread, historyFlood, presenceUnread, slowReader];
