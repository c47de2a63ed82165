import { OwnPostgres } from '../../support/own-postgres.js';
import { Server } from '../../support/server.js';
import { until } from '../../support/until.js';
import type { Figure, LifecycleScenario, LifecycleScenarioOptions } from '../lifecycle-scenario.js';
import { healthQueries, LOG_STATEMENTS } from '../fixtures/health-queries.js';
import { ProbeHail, statusOf } from '../fixtures/probe-hail.js';

const PROBES_PER_S = 1_000;
const SECONDS = 30;
const QUERIES_PER_S = 2;
const RED_WITHIN_MS = 5_000;
const GREEN_WITHIN_MS = 30_000;
const PATHS = ['/health', '/health/live', '/health/ready', '/health/startup'];

export const PROBES: LifecycleScenario = {
  name: 'probes',
  does: '1,000 probes a second: what they cost the database; then PostgreSQL stops and comes back',
  async run({ seconds = SECONDS, note }) {
    const postgres = await OwnPostgres.start(LOG_STATEMENTS);
    let server: Server | undefined;
    try {
      server = await Server.start(postgres.url);
      const cost = await hail(postgres, server, seconds);
      note('PostgreSQL stops');
      return [...cost, ...(await outage(postgres, server, note))];
    } finally {
      await server?.end('SIGKILL');
      await postgres.remove();
    }
  },
};

async function hail(postgres: OwnPostgres, server: Server, seconds: number): Promise<Figure[]> {
  const before = await healthQueries(postgres);
  const probes = new ProbeHail(server.url, PATHS);
  const startedAt = performance.now();
  await probes.run(PROBES_PER_S, seconds);
  const took = (performance.now() - startedAt) / 1_000;
  const queries = (await healthQueries(postgres)) - before;
  const green = PATHS.reduce((sum, path) => sum + (probes.answers.get(`${path} 200`) ?? 0), 0);
  return [
    { what: 'probes a second', value: probes.sent / took },
    { what: 'probes not answered with 200', value: probes.sent - green, atMost: 0 },
    { what: 'slowest answer', value: probes.slowestMs, unit: 'ms' },
    { what: `queries for them in ${took.toFixed(1)} s`, value: queries },
    { what: 'queries a second', value: queries / took, atMost: QUERIES_PER_S },
  ];
}

async function outage(
  postgres: OwnPostgres,
  server: Server,
  note: LifecycleScenarioOptions['note'],
): Promise<Figure[]> {
  const stoppedAt = performance.now();
  await postgres.shutDown();
  const is = (path: string, status: number) => async () => (await statusOf(`${server.url}${path}`)) === status;
  await until('ready is red', is('/health/ready', 503), GREEN_WITHIN_MS);
  const redMs = performance.now() - stoppedAt;
  const live = await statusOf(`${server.url}/health/live`);
  note(`ready 503, live ${live}; PostgreSQL starts again`);
  await postgres.startAgain();
  const backAt = performance.now();
  await until('ready is green', is('/health/ready', 200), GREEN_WITHIN_MS);
  const greenMs = performance.now() - backAt;
  return [
    { what: 'from the stop of PostgreSQL to ready 503', value: redMs, unit: 'ms', atMost: RED_WITHIN_MS },
    { what: 'live other than 200 meanwhile', value: live === 200 ? 0 : 1, atMost: 0 },
    { what: 'from its return to ready 200', value: greenMs, unit: 'ms', atMost: GREEN_WITHIN_MS },
    { what: 'restarts of the server', value: server.isRunning ? 0 : 1, atMost: 0 },
  ];
}
