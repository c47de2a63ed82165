import type { Attack } from '../attack.js';
import { MALLORY, type Lair } from '../lair.js';
import { frame } from '../wire/frames.js';

const INBOX = `user:${MALLORY}`;
const FRAMES_AT_ONCE = 50;
const FAR_MS = 3_600_000;

/**
 * Opens sockets of one user that send requests as fast as the server takes them, and reconnect whenever they are
 * closed.
 */
async function flood(lair: Lair, sockets: number, request: (id: number, index: number) => string): Promise<void> {
  await lair.besiege(sockets, async (index) => {
    const socket = await lair.enter();
    for (let id = 1; socket && !socket.isEnded && !lair.isOver; id += FRAMES_AT_ONCE) {
      const ids = Array.from({ length: FRAMES_AT_ONCE }, (_, n) => id + n);
      await socket.write(Buffer.concat(ids.map((each) => frame(request(each, index)))));
    }
    socket?.leave();
    return socket !== undefined;
  });
}

const manyChannels = JSON.stringify(Object.fromEntries(Array.from({ length: 12_000 }, (_, n) => [`group:${n}`, 1])));

/** The attacks in which one request comes again and again, each time about another thing. */
export const FLOODS: readonly Attack[] = [
  {
    name: 'publish-flood',
    does: '20 sockets of one user that publish as fast as they can',
    run: (lair) =>
      flood(lair, 20, (id) => `42${id}["publish",{"channel":"${INBOX}","type":"t","data":{"text":"hello"}}]`),
  },
  {
    name: 'publish-unanswered',
    does: '20 sockets of one user that publish as fast as they can and want no answer',
    run: (lair) => flood(lair, 20, () => `42["publish",{"channel":"${INBOX}","type":"t","data":{"text":"hello"}}]`),
  },
  {
    name: 'join-flood',
    does: '20 sockets of one user that join new groups as fast as they can',
    run: (lair) => flood(lair, 20, (id, index) => `42${id}["join",{"channel":"group:${index}-${id}"}]`),
    remains: [
      {
        what: 'groups of the user',
        sql: `select count(*)::int from trunkline.memberships where user_id = '${MALLORY}'`,
        atMost: 1_000,
      },
    ],
  },
  {
    name: 'subscribe-flood',
    does: '20 sockets of one user that subscribe and watch as fast as they can',
    run: (lair) =>
      flood(lair, 20, (id, index) =>
        id % 2 === 0
          ? `42${id}["subscribe",{"channel":"group:${index}-${id}"}]`
          : `42${id}["watch",{"channel":"group:${index}-${id}"}]`,
      ),
  },
  {
    name: 'schedule-flood',
    does: '20 sockets of one user that schedule messages as fast as they can, half of them for the year 9999',
    run: (lair) => {
      const soon = new Date(Date.now() + FAR_MS).toISOString();
      const sendAt = (id: number): string => (id % 2 === 0 ? soon : '9999-12-31T23:59:59Z');
      return flood(
        lair,
        20,
        (id) => `42${id}["schedule",{"channel":"${INBOX}","type":"t","data":1,"sendAt":"${sendAt(id)}"}]`,
      );
    },
    remains: [
      {
        what: 'scheduled messages of the user',
        sql: `select count(*)::int from trunkline.outbox where publisher like '%${MALLORY}'`,
        atMost: 1_000,
      },
      {
        what: 'messages for more than a year ahead',
        sql: `select count(*)::int from trunkline.outbox where due_at > now() + interval '367 days'`,
        atMost: 0,
      },
    ],
  },
  {
    name: 'ack-flood',
    does: '20 sockets of one user that acknowledge 12,000 channels, again and again',
    run: (lair) => flood(lair, 20, (id) => `42${id}["ack",${manyChannels}]`),
  },
  {
    name: 'unknown-events',
    does: '20 sockets of one user that send events nobody knows, every other one with an id',
    run: (lair) => flood(lair, 20, (id) => `42${id % 2 === 0 ? id : ''}["no-such-event",{"n":${id}}]`),
  },
  {
    name: 'token-flood',
    does: '20 sockets of one user that renew their tokens with forged ones as fast as they can',
    run: (lair) => flood(lair, 20, (id) => `42${id}["token",{"token":"${'x'.repeat(5_000)}.y.z"}]`),
  },
];
