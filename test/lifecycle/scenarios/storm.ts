import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { until } from '../../support/until.js';
import type { Figure, LifecycleScenario } from '../lifecycle-scenario.js';
import { EVENT_LOOP_PROBE, eventLoopDelayOf } from '../fixtures/event-loop.js';
import { gather } from '../fixtures/gather.js';
import type { Member } from '../fixtures/member.js';
import { inEnvironment, type LifecycleEnvironment } from '../fixtures/lifecycle-environment.js';

const WAITING = 5;
const WITHIN_MS = 2_000;
const CAUGHT_UP_MS = 60_000;
const EVENT_LOOP_MS = 500;
const REST_AT_ONCE = 500;
const POOL = 4;
/** The connections that an instance takes at most, by `docs/operations.md`. */
const CONNECTIONS_MAX = 2 * POOL + 7;

export const STORM: LifecycleScenario = {
  name: 'storm',
  does: '2,000 clients reconnect within 2 s, each with messages waiting',
  async run({ clients = 2_000, note }) {
    return inEnvironment({ env: { ...EVENT_LOOP_PROBE, DATABASE_POOL: String(POOL) } }, (environment) =>
      storm(environment, clients, note),
    );
  },
};

/** All clients connect once and leave, get messages while they are away, and reconnect at once. */
export async function storm(
  environment: LifecycleEnvironment,
  clients: number,
  note: (text: string) => void,
): Promise<Figure[]> {
  const { fleet } = environment;
  let turn = 0;
  const url = (): string => fleet.at(turn++ % fleet.servers.length).url;
  const members = await gather(clients, { url });
  environment.members.push(...members);
  for (const member of members) member.leave();
  await send(environment, members);
  note(`${clients * WAITING} messages wait`);
  await Promise.all(fleet.servers.map(eventLoopDelayOf)); // starts the measurement
  const watch = await watchConnections(environment.databaseUrl);
  const startedAt = performance.now();
  await returnWithin(members, WITHIN_MS);
  const isDone = (): boolean => members.every(({ bodies }) => bodies.size === WAITING);
  await until('all have caught up', isDone, CAUGHT_UP_MS).catch(() => undefined);
  const caughtUpMs = performance.now() - startedAt;
  const most = await watch.stop();
  const delays = await Promise.all(fleet.servers.map(eventLoopDelayOf));
  const received = members.reduce((sum, { bodies }) => sum + bodies.size, 0);
  const refusals = members.reduce((sum, member) => sum + member.refusals, 0);
  return [
    { what: 'messages lost', value: clients * WAITING - received, atMost: 0 },
    { what: 'from the first to come back until all had caught up', value: caughtUpMs / 1_000, unit: 's', atMost: 60 },
    { what: 'told to come back later', value: refusals },
    { what: 'database connections of an instance, at most', value: most, atMost: CONNECTIONS_MAX },
    {
      what: 'event-loop delay, p99, of the worst instance',
      value: Math.max(...delays.map(({ p99Ms }) => p99Ms)),
      unit: 'ms',
      atMost: EVENT_LOOP_MS,
    },
    { what: 'at most', value: Math.max(...delays.map(({ maxMs }) => maxMs)), unit: 'ms' },
  ];
}

async function send({ fleet }: LifecycleEnvironment, members: readonly Member[]): Promise<void> {
  const messages = members.flatMap(({ inbox }) =>
    Array.from({ length: WAITING }, (_, n) => ({ channel: inbox, type: 'note', data: `${inbox} ${n}` })),
  );
  for (let from = 0; from < messages.length; from += REST_AT_ONCE) {
    const { status } = await fleet
      .at(0)
      .rest('POST', '/v1/messages', { messages: messages.slice(from, from + REST_AT_ONCE) });
    if (status !== 200) throw new Error(`a batch was answered ${status}`);
  }
}

async function returnWithin(members: readonly Member[], ms: number): Promise<void> {
  const startedAt = performance.now();
  for (const [index, member] of members.entries()) {
    const dueMs = (index / members.length) * ms;
    while (performance.now() - startedAt < dueMs) await delay(1);
    member.arrive();
  }
}

const WATCH_MS = 25;

/**
 * Watches how many connections to the database the instances have. Stopping it gives the most that any one instance
 * had.
 */
async function watchConnections(databaseUrl: string): Promise<{ stop(): Promise<number> }> {
  const session = new Client({ connectionString: databaseUrl });
  await session.connect();
  let most = 0;
  let isStopped = false;
  const watching = (async () => {
    while (!isStopped) {
      const { rows } = await session.query<{ count: number }>(
        `select count(*)::int as count from pg_stat_activity
          where application_name like 'trunkline %' group by application_name`,
      );
      most = Math.max(most, ...rows.map(({ count }) => count));
      await delay(WATCH_MS);
    }
  })();
  const stop = async (): Promise<number> => {
    isStopped = true;
    await watching;
    await session.end();
    return most;
  };
  return { stop };
}
