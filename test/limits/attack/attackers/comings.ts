import type { Attack } from '../attack.js';
import { MALLORY, type Lair } from '../lair.js';
import { CROWD_CHANNEL, makeCrowd } from './crowd.js';
import { frame } from '../wire/frames.js';

const FRAMES_AT_ONCE = 20;

/** Connects with a valid token, and disconnects again. */
async function comeAndGo(lair: Lair, deviceId: string): Promise<boolean> {
  const socket = await lair.enter(deviceId);
  if (socket) lair.tally.count('let in');
  socket?.leave();
  return socket !== undefined;
}

/**
 * The attacks in which one user leaves rows in the database by connecting again and again, or by asking for receipts.
 */
export const COMINGS: readonly Attack[] = [
  {
    name: 'connect-loop',
    does: '20 clients of one user that connect and disconnect as fast as they can',
    run: (lair) => lair.besiege(20, () => comeAndGo(lair, 'lair')),
  },
  {
    name: 'device-flood',
    does: '20 clients of one token that connect and disconnect, each time as another device',
    run: (lair) => {
      let devices = 0;
      return lair.besiege(20, () => comeAndGo(lair, `device-${++devices}`));
    },
    remains: [
      {
        what: 'devices of the user',
        sql: `select count(*)::int from trunkline.devices where user_id = '${MALLORY}'`,
        atMost: 100,
      },
    ],
  },
  {
    name: 'receipt-flood',
    does: '5 sockets of one user that ask a group of 1,000 for receipts as fast as they can',
    prepare: async ({ database }) => {
      await makeCrowd(database);
      await database.query(
        `insert into trunkline.memberships (channel, user_id, joined_seq)
         select $1, 'canary-' || n, 0 from generate_series(0, 9) as n`,
        [CROWD_CHANNEL],
      );
    },
    run: (lair) =>
      lair.besiege(5, async () => {
        const socket = await lair.enter();
        for (let id = 1; socket && !socket.isEnded && !lair.isOver; id += FRAMES_AT_ONCE) {
          const frames = Array.from({ length: FRAMES_AT_ONCE }, (_, n) => frame(askForReceipts(id + n)));
          await socket.write(Buffer.concat(frames));
        }
        socket?.leave();
        return socket !== undefined;
      }),
    remains: [
      {
        what: 'receipts in the inbox of the user',
        sql: `select count(*)::int from trunkline.messages where channel = 'user:${MALLORY}' and body is not null`,
        atMost: 200,
      },
    ],
  },
];

function askForReceipts(id: number): string {
  return `42${id}["publish",{"channel":"${CROWD_CHANNEL}","type":"t","data":1,"receipts":["delivered","read"]}]`;
}
