import { setTimeout as delay } from 'node:timers/promises';
import { Server } from '../../support/server.js';
import { createTestDatabase, type TestDatabase } from '../../support/test-database.js';
import type { Attack } from './attack.js';
import { attackFromOutside } from './attacker-process.js';
import { HonestUsers } from './canary/honest-users.js';
import type { Experience } from './canary/experience-ledger.js';
import { MemoryWatch } from './memory-watch.js';
import type { TallyReport } from './tally.js';

export interface RunOptions {
  readonly seed: number;
  /**
   * How long the calm before the attack lasts, and the attack. Some attacks last longer, because their effect takes
   * longer to show.
   */
  readonly seconds: number;
}

export interface AttackRun {
  readonly attack: string;
  readonly calm: Experience;
  readonly underAttack: Experience;
  readonly idleBytes: number;
  readonly maxBytes: number;
  /** The characters that the server logged during the attack. */
  readonly logBytes: number;
  readonly attacker: TallyReport;
  /** The signal or exit code with which the server ended; undefined if it still runs. */
  readonly serverEnded: string | undefined;
  /** Counts what the attack left in the database, by what it is. */
  readonly remains: Readonly<Record<string, number>>;
}

/** The heap of an instance in a pod of one GiB. */
const HEAP = '--max-old-space-size=512';
/** Limits that other tests lift; left empty, a setting has its default. */
const DEFAULT_LIMITS = {
  MAX_PUBLISHES_PER_USER_PER_S: '',
  MAX_LOGINS_PER_USER_PER_MIN: '',
};
const WARM_UP_MS = 1_500;
const SETTLE_DEADLINE_MS = 15_000;
const LONGER_S = 5;

/** Runs one attack on a server process of its own, with the canary: calm first, and then under the attack. */
export async function runAttack(attack: Attack, options: RunOptions): Promise<AttackRun> {
  const database = await createTestDatabase();
  try {
    const server = await Server.start(database.url, { NODE_OPTIONS: HEAP, ...DEFAULT_LIMITS, ...attack.env });
    try {
      await attack.prepare?.({ database, server });
      return await watch(attack, options, server, database);
    } finally {
      await server.end('SIGKILL');
    }
  } finally {
    await database.drop();
  }
}

async function watch(
  attack: Attack,
  { seed, seconds }: RunOptions,
  server: Server,
  database: TestDatabase,
): Promise<AttackRun> {
  const honestUsers = new HonestUsers(server.url);
  const memory = new MemoryWatch(server.process.pid ?? 0);
  try {
    await honestUsers.enter();
    await delay(WARM_UP_MS);
    honestUsers.turnPage();
    await delay(seconds * 1_000);
    const calm = honestUsers.turnPage();
    const idleBytes = await memory.look();
    const firstLine = server.lines.length;
    const lasts = Math.max(seconds, attack.endsWithinS === undefined ? 0 : attack.endsWithinS + LONGER_S);
    const attacker = await attackFromOutside({ attack: attack.name, url: server.url, seed, seconds: lasts });
    await honestUsers.settle(SETTLE_DEADLINE_MS);
    const logBytes = server.lines.slice(firstLine).reduce((sum, line) => sum + line.length, 0);
    const { maxBytes } = memory;
    const [serverEnded, remains] = [endOf(server), await countRemains(attack, database)];
    const underAttack = honestUsers.turnPage()();
    return {
      attack: attack.name,
      calm: calm(),
      underAttack,
      idleBytes,
      maxBytes,
      logBytes,
      attacker,
      serverEnded,
      remains,
    };
  } finally {
    memory.stop();
    honestUsers.leave();
  }
}

function endOf({ isRunning, process: { exitCode, signalCode } }: Server): string | undefined {
  return isRunning ? undefined : (signalCode ?? `exit code ${exitCode}`);
}

async function countRemains({ remains = [] }: Attack, database: TestDatabase): Promise<Record<string, number>> {
  const counts = remains.map(async ({ what, sql }) => {
    const [row] = await database.query<{ count: number }>(sql);
    return [what, row?.count ?? NaN] as const;
  });
  return Object.fromEntries(await Promise.all(counts));
}
