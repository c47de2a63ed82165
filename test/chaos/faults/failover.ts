import { pause } from '../world/pause.js';
import type { Fault } from './fault.js';
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
  inflict: ({ stage: { database }, begin, signal }) =>
    database.failOver(IN_RECOVERY_MS, signal, () => begin(`in recovery for ${IN_RECOVERY_MS} ms`)),
};

const AHEAD_S = 7_200;

export const DATABASE_CLOCK: Fault = {
  name: 'database-clock',
  does: 'the clock of PostgreSQL is two hours ahead for some seconds, and then right again',
  lastsMs: { short: 5_000, long: 8_000 },
  weight: 5,
  isForLongRuns: true,
  movesClock: true,
  countsFrom: 'publish',
  recoversWithinMs: 5_000,
  async inflict({ stage: { database }, begin, signal, isLong }) {
    const { clock } = database;
    if (!clock) throw new NotDone('the clock of PostgreSQL cannot be moved without the package libfaketime');
    begin(`${AHEAD_S / 3_600} h ahead`);
    try {
      await clock.putForward(AHEAD_S);
      await pause(isLong ? 7_500 : 4_500, signal);
    } finally {
      await clock.putForward(0);
    }
  },
};
