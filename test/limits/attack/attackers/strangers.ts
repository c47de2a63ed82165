import { setTimeout as delay } from 'node:timers/promises';
import type { Attack } from '../attack.js';
import type { Lair } from '../lair.js';
import { frame } from '../wire/frames.js';

const FRAMES_AT_ONCE = 20;

const MANY_SEQS = JSON.stringify(Object.fromEntries(Array.from({ length: 9_000 }, (_, n) => [`group:${n}`, n])));
const FORGED = '40{"token":"x"}';

/**
 * Opens transports that send the same again and again without ever being let in. A closed one is replaced by a new one.
 */
async function pester(lair: Lair, transports: number, word: (n: number) => string): Promise<void> {
  await lair.besiege(transports, async () => {
    const socket = await lair.open();
    if (!socket) return false;
    socket.onText = (text) => countRefusal(lair, text);
    for (let n = 0; !socket.isEnded && !lair.isOver; n += FRAMES_AT_ONCE) {
      const words = Array.from({ length: FRAMES_AT_ONCE }, (_, more) => frame(word(n + more)));
      await socket.write(Buffer.concat(words));
    }
    socket.leave();
    return true;
  });
}

function countRefusal({ tally }: Lair, text: string): void {
  if (text.startsWith('44')) tally.count(`refused ${/"code":(\d+)/.exec(text)?.[1] ?? ''}`);
}

/** Opens `count` transports, holds them without sending anything more, and replaces each that is closed. */
async function hold(lair: Lair, count: number, greet: (index: number) => string | undefined): Promise<void> {
  await lair.besiege(count, async (index) => {
    const socket = await lair.open();
    const greeting = greet(index);
    if (socket && greeting !== undefined) socket.send(greeting);
    if (socket) await lair.rest(socket.ended);
    socket?.leave();
    // A reconnect at once would make a flood of what is to show silence.
    if (!lair.isOver) await delay(200);
    return true;
  });
}

const leaveThenPongs: Attack = {
  name: 'leave-then-pongs',
  does: '50 transports whose client leaves the namespace and then answers pings for ever',
  endsWithinS: 2,
  run: (lair) =>
    lair.besiege(50, async () => {
      const socket = await lair.enter();
      socket?.send('41');
      while (socket && !socket.isEnded && !lair.isOver) {
        socket.send('3');
        await Promise.race([delay(100), socket.ended]);
      }
      socket?.leave();
      if (!lair.isOver) await delay(200);
      return socket !== undefined;
    }),
};

/** The attacks of strangers, who have no valid token. */
export const STRANGERS: readonly Attack[] = [
  {
    name: 'resume-flood',
    does: '10 transports that say CONNECT with a forged token and 9,000 positions, without end',
    run: (lair) => pester(lair, 10, () => `40{"token":"x","resume":${MANY_SEQS}}`),
  },
  {
    name: 'refused-connects',
    does: 'one transport that says CONNECT with a forged token, without end',
    run: (lair) => pester(lair, 1, () => FORGED),
  },
  {
    name: 'unknown-namespaces',
    does: 'one transport that asks for namespaces nobody has, without end',
    run: (lair) => pester(lair, 1, (n) => `40/nowhere-${n},{"token":"x"}`),
  },
  {
    name: 'refused-transports',
    does: '50 transports at a time, each of which says CONNECT with a forged token until it is closed',
    run: (lair) => pester(lair, 50, (n) => (n % 2 === 0 ? FORGED : `40/nowhere-${n},`)),
  },
  {
    name: 'events-before-connect',
    does: '10 transports that send events and acknowledgements and never say CONNECT',
    run: (lair) => pester(lair, 10, (n) => (n % 2 === 0 ? '421["publish",{}]' : '431[{}]')),
  },
  {
    name: 'silent-upgrades',
    does: '1,050 transports without a word from one address, where 50 connections are allowed',
    env: { MAX_CONNECTIONS: '50' },
    endsWithinS: 15,
    run: (lair) => hold(lair, 1_050, () => undefined),
  },
  leaveThenPongs,
];
