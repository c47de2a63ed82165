import { API_KEY } from '../../support/server.js';
import { pause } from '../fixtures/pause.js';
import type { Fault, Scene } from './fault.js';
import { NotDone } from './not-done.js';

const IN_RECOVERY_MS = 6_000;

export const STANDBY_PROMOTED: Fault = {
  name: 'standby-promoted',
  does: 'PostgreSQL crashes for good, its address leads to a synchronous hot standby, which is promoted 6 s later',
  lastsMs: { short: 12_000, long: 12_000 },
  weight: 5,
  isForLongRuns: true,
  countsFrom: 'end',
  recoversWithinMs: 5_000,
  answersWithinMs: 5_000,
  async inflict(scene) {
    const { environment, begin, signal } = scene;
    let asking: Promise<void> | undefined;
    await environment.database.failOver(IN_RECOVERY_MS, signal, () => {
      begin(`in recovery for ${IN_RECOVERY_MS} ms`);
      asking = expectNoFault(scene);
    });
    await asking;
  },
};

/** After this time the crash is over, and the instances are connected to the standby. */
const CONNECTED_MS = 3_000;
/** Requests that read UNLOGGED tables, which a standby does not have, or that write. */
const REQUESTS = [
  ['GET', 'users/u01/connections'],
  ['GET', 'users/u01/presence'],
  ['GET', 'users/u01/sessions'],
  ['GET', 'channels/group:red/presence'],
  ['GET', 'channels/group:red/messages'],
  ['DELETE', 'users/u01/sessions/none'],
] as const;

/**
 * Checks that no request is answered as a bug. While a standby takes no writes, it is out of reach like any database
 * that is down.
 */
async function expectNoFault({ environment, signal, trouble }: Scene): Promise<void> {
  await pause(CONNECTED_MS, signal);
  for (const { name, port } of environment.fleet.serving) {
    for (const [method, path] of REQUESTS) {
      const headers = { authorization: `Bearer ${API_KEY}` };
      const { status } = await fetch(`http://127.0.0.1:${port}/v1/${path}`, { method, headers });
      if (status === 500) trouble(`${name} answered ${method} ${path} with ${status} while PostgreSQL was a standby`);
    }
  }
}

const AHEAD_S = 7_200;
/**
 * The clock is ahead so briefly that only few channels are written to meanwhile. Nothing in the other channels may show
 * the wrong time.
 */
const BRIEFLY_MS = 250;

export const DATABASE_CLOCK: Fault = {
  name: 'database-clock',
  does: 'the clock of PostgreSQL is two hours ahead for some publishes or some seconds, and then right again',
  lastsMs: { short: 5_000, long: 8_000 },
  weight: 5,
  isForLongRuns: true,
  movesClock: true,
  countsFrom: 'publish',
  recoversWithinMs: 5_000,
  async inflict({ environment: { database }, dice, begin, signal, isLong }) {
    const { clock } = database;
    if (!clock) throw new NotDone('the clock of PostgreSQL cannot be moved without the package libfaketime');
    const ms = dice.chance(0.5) ? BRIEFLY_MS : isLong ? 7_500 : 4_500;
    begin(`${AHEAD_S / 3_600} h ahead for ${ms} ms`);
    try {
      await clock.putForward(AHEAD_S);
      await pause(ms, signal);
    } finally {
      await clock.putForward(0);
    }
  },
};
