import type { Device } from '../fixtures/device.js';
import { pause } from '../fixtures/pause.js';
import type { ChaosEnvironment } from '../fixtures/chaos-environment.js';
import type { Fault, Scene } from './fault.js';

export const POSTGRES_CRASH: Fault = {
  name: 'postgres-crash',
  does: 'immediate stop of PostgreSQL (SIGQUIT) and start: recovery from the WAL, empty UNLOGGED tables',
  lastsMs: { short: 2_000, long: 2_500 },
  weight: 8,
  countsFrom: 'end',
  recoversWithinMs: 5_000,
  inflict: (scene) => bounce(scene, 'immediate', scene.dice.between(100, 1_500)),
};

export const POSTGRES_RESTART: Fault = {
  name: 'postgres-restart',
  does: 'fast stop of PostgreSQL (SIGINT) and start',
  lastsMs: { short: 2_000, long: 2_500 },
  weight: 6,
  countsFrom: 'end',
  recoversWithinMs: 5_000,
  inflict: (scene) => bounce(scene, 'fast', scene.dice.between(100, 1_500)),
};

export const POSTGRES_AWAY: Fault = {
  name: 'postgres-away',
  does: 'PostgreSQL is away for 60 s (short runs: 8 s)',
  lastsMs: { short: 9_000, long: 61_000 },
  weight: 5,
  countsFrom: 'end',
  recoversWithinMs: 5_000,
  answersWithinMs: 5_000,
  async inflict(scene) {
    const how = scene.dice.chance(0.5) ? 'fast' : 'immediate';
    await expectOutageIsSurvived(scene, () => bounce(scene, how, scene.isLong ? 60_000 : 8_000));
  },
};

/** After this time, an instance must have noticed the outage. */
const TOLD_AFTER_MS = 5_000;

/**
 * Checks that the instances survive an outage longer than {@link TOLD_AFTER_MS}: their probes report it, they stay
 * alive and keep their connections.
 */
export async function expectOutageIsSurvived(scene: Scene, outage: () => Promise<void>): Promise<void> {
  const steady = new SteadyConnections(scene.environment);
  await Promise.all([outage(), expectOutageIsTold(scene)]);
  for (const what of steady.lost) scene.trouble(`${what} while PostgreSQL was away`);
}

async function expectOutageIsTold({ environment, signal, trouble }: Scene): Promise<void> {
  await pause(TOLD_AFTER_MS, signal);
  for (const { name, port } of environment.fleet.serving) {
    for (const [path, expected] of [
      ['/health/ready', 503],
      ['/health/live', 200],
    ] as const) {
      const { status } = await fetch(`http://127.0.0.1:${port}${path}`);
      if (status !== expected) trouble(`${name} answered ${path} with ${status} while PostgreSQL was away`);
    }
  }
}

/** Watches the connections of devices that neither come and go nor publish, and so have no reason to reconnect. */
class SteadyConnections {
  private readonly connections: ReadonlyMap<Device, string | undefined>;

  constructor(environment: ChaosEnvironment) {
    this.connections = new Map(environment.clients.listeners.map((device) => [device, device.connectionId]));
  }

  get lost(): string[] {
    const changed = [...this.connections].filter(([device, connection]) => device.connectionId !== connection);
    return changed.map(([{ name }]) => `${name} lost its connection`);
  }
}

async function bounce({ environment, begin, signal }: Scene, how: 'immediate' | 'fast', awayMs: number): Promise<void> {
  begin(`${how}, away for ${Math.round(awayMs)} ms`);
  await environment.database.bounce(how, awayMs, signal);
}

const COMMITS_PILE_UP_MS = 800;
/** Longer than an instance tries to store a publish. */
const AWAY_IN_COMMIT_MS = 6_000;

export const CRASH_IN_COMMIT: Fault = {
  name: 'crash-in-commit',
  does: 'PostgreSQL crashes while commits wait for a standby, and is away for 6 s: they are stored, and nobody was told',
  lastsMs: { short: 8_000, long: 8_000 },
  weight: 6,
  countsFrom: 'end',
  recoversWithinMs: 5_000,
  async inflict({ environment: { database }, begin, signal }) {
    begin('synchronous_standby_names = ghost, then immediate');
    await database.query(`alter system set synchronous_standby_names = 'ghost'`);
    try {
      await database.query('select pg_reload_conf()');
      await pause(COMMITS_PILE_UP_MS, signal);
    } finally {
      // PostgreSQL reads the setting when it starts again; until then commits go on waiting.
      await database.heal('alter system reset synchronous_standby_names');
    }
    await database.bounce('immediate', AWAY_IN_COMMIT_MS, signal);
  },
};

export const OUR_SESSIONS = `select pid from pg_stat_activity
  where application_name like 'trunkline %' and application_name not like 'trunkline embedded%'`;
const BETWEEN_SESSIONS_MS = 80;

export const TERMINATE_SESSIONS: Fault = {
  name: 'terminate-sessions',
  does: 'pg_terminate_backend on each session of the instances in turn, LISTEN included',
  lastsMs: { short: 4_000, long: 5_000 },
  weight: 6,
  countsFrom: 'publish',
  recoversWithinMs: 5_000,
  async inflict({ environment, dice, begin, signal }) {
    const sessions = await environment.database.query<{ pid: number }>(OUR_SESSIONS);
    begin(`${sessions.length} sessions`);
    for (const { pid } of dice.shuffle(sessions)) {
      await environment.database.query('select pg_terminate_backend($1)', [pid]);
      await pause(BETWEEN_SESSIONS_MS, signal);
    }
  },
};

const TERMINATE_WAITING = `select count(pg_terminate_backend(pid))::int as terminated
  from pg_stat_activity where wait_event = 'SyncRep'`;
const ROUNDS = 6;
const ROUND_MS = 400;

export const AMBIGUOUS_COMMIT: Fault = {
  name: 'ambiguous-commit',
  does: 'commits wait for a standby that does not exist and are terminated: stored, but their clients see an error',
  lastsMs: { short: 3_000, long: 3_000 },
  weight: 7,
  countsFrom: 'end',
  recoversWithinMs: 5_000,
  async inflict({ environment: { database }, begin, signal }) {
    begin('synchronous_standby_names = ghost');
    await database.query(`alter system set synchronous_standby_names = 'ghost'`);
    try {
      await database.query('select pg_reload_conf()');
      for (let round = 1; round <= ROUNDS; round++) {
        await pause(ROUND_MS, signal);
        await database.query(TERMINATE_WAITING);
      }
    } finally {
      await database.heal('alter system reset synchronous_standby_names');
      await database.heal('select pg_reload_conf()');
    }
  },
};
