import { Client } from 'pg';
import { until } from '../../support/until.js';
import type { Figure, LifecycleScenario } from '../lifecycle-scenario.js';
import { gather } from '../fixtures/gather.js';
import { registeredRows } from '../fixtures/registered.js';
import { inEnvironment, type LifecycleEnvironment } from '../fixtures/lifecycle-environment.js';

const ROUNDS = 5;
const RIGHT_WITHIN_MS = 5_000;

export const KILL: LifecycleScenario = {
  name: 'kill',
  does: `kill -9 of an instance with 1,000 sockets, ${ROUNDS} times: when do the others know?`,
  async run({ clients = 1_000, note }) {
    const times: number[] = [];
    await inEnvironment({}, async (environment) => {
      for (let round = 0; round < ROUNDS; round++) {
        times.push(await killOnce(environment, clients));
        note(`right after ${Math.round(times.at(-1) ?? 0)} ms`);
        await environment.fleet.replace(0);
      }
    });
    return figuresOf(times);
  },
};

export function figuresOf(times: readonly number[]): Figure[] {
  const sorted = times.toSorted((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? Infinity;
  return [
    { what: 'until the registry was right, median', value: median, unit: 'ms', atMost: RIGHT_WITHIN_MS },
    { what: 'at most', value: sorted.at(-1) ?? Infinity, unit: 'ms', atMost: RIGHT_WITHIN_MS },
  ];
}

/**
 * Kills an instance.
 * @returns the milliseconds until the others list none of its connections, in the tables and over REST
 */
export async function killOnce(
  { fleet, databaseUrl, members }: LifecycleEnvironment,
  clients: number,
): Promise<number> {
  const doomed = fleet.at(0);
  const own = await gather(clients, { url: () => doomed.url });
  members.push(...own);
  const session = new Client({ connectionString: databaseUrl });
  await session.connect();
  try {
    const query = async <Row>(text: string, values?: unknown[]): Promise<Row[]> =>
      (await session.query(text, values)).rows as Row[];
    await until('all are registered', async () => (await registeredRows(query, doomed.instanceId)) > clients);
    const startedAt = performance.now();
    doomed.process.kill('SIGKILL');
    // Otherwise these clients would reconnect to the next instance.
    for (const member of own) member.leave();
    const isRight = async (): Promise<boolean> => (await registeredRows(query, doomed.instanceId)) === 0;
    await until('the registry is right', isRight, 30_000);
    for (const peer of fleet.servers.slice(1)) {
      const { body } = await peer.rest('GET', '/v1/users/member-0/connections');
      if ((body as { connections: unknown[] }).connections.length > 0) throw new Error('a peer still lists it');
    }
    return performance.now() - startedAt;
  } finally {
    await session.end();
  }
}
