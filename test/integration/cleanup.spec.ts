import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { INestApplicationContext } from '@nestjs/common';
import { JobHistory, JobRunner, Jobs, type Job, type JobOutcome } from '#cleanup';
import { readSettings } from '#config';
import { Registry } from '#connection-manager';
import { Database } from '#database';
import { Devices } from '#message-persistence';
import { createLogger } from '#observability';
import { openCleanup } from '#trunkline';
import { serviceRan } from '../support/service-ran.js';
import { API_KEY, JWT_SECRET } from '../support/server.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

const CLI = join(import.meta.dirname, '../../dist/apps/cli/main.js');
const IDLE_DAYS = 30;

let test: TestDatabase;
let databases: Database[];
let cleanup: INestApplicationContext;
let registry: Registry;
let devices: Devices;
let jobs: Jobs;

beforeEach(async () => {
  test = await createTestDatabase();
  databases = [];
  cleanup = await openCleanup(readSettings({}), connect(), 'here', createLogger('silent'));
  registry = cleanup.get(Registry);
  devices = cleanup.get(Devices);
  jobs = cleanup.get(Jobs);
});
afterEach(async () => {
  await cleanup.close();
  await Promise.all(databases.map((database) => database.close()));
  await test.drop();
});

function connect(): Database {
  const database = new Database({ url: test.url, poolSize: 1, applicationName: 'cleanup', onError: () => undefined });
  databases.push(database);
  return database;
}

function runner(instanceId: string): JobRunner {
  const database = connect();
  return new JobRunner(database, new JobHistory(database), instanceId, createLogger('silent'));
}

/** A job that runs until it is let go. */
function gated(outcome: () => { rows: number }) {
  let letGo!: () => void;
  const gate = new Promise<void>((resolve) => (letGo = resolve));
  let runs = 0;
  const runOnce = async (): Promise<{ rows: number }> => {
    runs += 1;
    await gate;
    return outcome();
  };
  return { name: 'gated', does: '', cron: '* * * * * *', periodMs: 1_000, runOnce, letGo, runs: () => runs };
}

const recorded = (): Promise<Record<string, unknown>[]> =>
  test.query(
    'select job, instance_id, rows::int, error, finished_at >= started_at as took_time from trunkline.job_runs order by run_id',
  );

describe('a job', () => {
  it('is run by one of several instances at once, and written down', async () => {
    const job = gated(() => ({ rows: 3 }));
    const outcomes: JobOutcome[] = [];
    const runs = ['a', 'b', 'c'].map(async (id) => outcomes.push(await runner(id).run(job)));
    await until('the others were refused', () => outcomes.length === 2);
    job.letGo();
    await Promise.all(runs);
    expect(outcomes).toMatchObject([{ isMine: false }, { isMine: false }, { isMine: true, rows: 3 }]);
    expect(job.runs()).toBe(1);
    expect(await recorded()).toEqual([
      { job: 'gated', instance_id: expect.any(String), rows: 3, error: null, took_time: true },
    ]);
  });

  it('is not run again by an instance whose clock strikes a moment later', async () => {
    const job = gated(() => ({ rows: 0 }));
    job.letGo();
    expect(await runner('a').run(job, { unlessWithinMs: 30_000 })).toMatchObject({ isMine: true });
    expect(await runner('b').run(job, { unlessWithinMs: 30_000 })).toMatchObject({ isMine: false });
    await test.query(`update trunkline.job_runs set started_at = started_at - interval '1 minute'`);
    expect(await runner('b').run(job, { unlessWithinMs: 30_000 })).toMatchObject({ isMine: true });
  });

  it('that fails is written down with its error, and leaves the next run alone', async () => {
    let turn = 0;
    const job = gated(() => {
      turn += 1;
      if (turn === 1) throw new Error('out of luck');
      return { rows: 1 };
    });
    job.letGo();
    const own = runner('a');
    expect(await own.run(job)).toMatchObject({ isMine: true, rows: 0, error: new Error('out of luck') });
    await own.run(job);
    expect(await recorded()).toMatchObject([{ error: 'out of luck' }, { rows: 1, error: null }]);
  });

  it('on a dry run leaves no trace', async () => {
    const job = gated(() => ({ rows: 3 }));
    job.letGo();
    expect(await runner('a').run(job, { isDryRun: true })).toMatchObject({ isMine: true, rows: 3 });
    expect(await recorded()).toEqual([]);
  });

  it('under way is waited for by a runner that stops, which begins no other', async () => {
    const job = gated(() => ({ rows: 1 }));
    const own = runner('a');
    const running = own.run(job);
    await until('it runs', () => job.runs() === 1);
    const stopped = own.stop();
    const next = own.run(job);
    job.letGo();
    await stopped;
    expect(await running).toMatchObject({ isMine: true });
    expect(await next).toMatchObject({ isMine: false });
  });
});

describe('idle devices', () => {
  async function seen(user: string, daysAgo: number): Promise<void> {
    await devices.open({ user, deviceId: 'phone' });
    await test.query(
      `update trunkline.devices set last_seen_at = now() - make_interval(days => $2) where user_id = $1`,
      [user, daysAgo],
    );
  }

  const users = async (table: string): Promise<unknown[]> =>
    (await test.query(`select distinct user_id from trunkline.${table} order by 1`)).map(({ user_id }) => user_id);

  it('are forgotten with their positions; those seen lately, and those connected all the time, are not', async () => {
    await serviceRan(test, IDLE_DAYS + 2);
    await seen('recent', IDLE_DAYS - 1);
    await seen('idle', IDLE_DAYS + 1);
    await seen('loyal', IDLE_DAYS + 1);
    await test.query(`insert into trunkline.instances (instance_id, lease_expires_at) values ('here', now())`);
    registry.addConnection({
      connectionId: 'c',
      user: 'loyal',
      deviceId: 'phone',
      address: null,
      sessionId: 'device:phone',
    });
    await registry.sync();
    const job = jobs.find('idle-devices');
    expect(await job?.runOnce(true)).toMatchObject({ rows: 1 });
    expect(await users('devices')).toEqual(['idle', 'loyal', 'recent']);
    expect(await job?.runOnce(false)).toMatchObject({ rows: 1 });
    expect(await users('devices')).toEqual(['loyal', 'recent']);
    expect(await users('cursors')).toEqual(['loyal', 'recent']);
  });
});

describe('idle devices, after the service was off', () => {
  const OFF_DAYS = 40;

  async function devicesLeft(): Promise<unknown[]> {
    const job = jobs.find('idle-devices');
    await runner('a').run(job as Job);
    return (await test.query('select user_id from trunkline.devices order by 1')).map(({ user_id }) => user_id);
  }

  async function seen(user: string, daysAgo: number): Promise<void> {
    await test.query(
      `insert into trunkline.devices (user_id, device_id, last_seen_at) values ($1, 'phone', now() - make_interval(days => $2))`,
      [user, daysAgo],
    );
  }

  it('are those that were away for as long while it ran', async () => {
    await serviceRan(test, OFF_DAYS + 35, OFF_DAYS);
    await seen('the last day', OFF_DAYS + 1);
    await seen('a while before', OFF_DAYS + 20);
    await seen('long before', OFF_DAYS + 32);
    expect(await devicesLeft()).toEqual(['a while before', 'the last day']);
    // It has run for eleven days since.
    await test.query(`update trunkline.service_hours set hour = hour - interval '11 days'`);
    await test.query(`update trunkline.devices set last_seen_at = last_seen_at - interval '11 days'`);
    await serviceRan(test, 11);
    expect(await devicesLeft()).toEqual(['the last day']);
  });

  it('are none while it has not run for as long at all', async () => {
    await seen('ann', 400);
    expect(await devicesLeft()).toEqual(['ann']);
  });
});

describe('job_runs', () => {
  it('keeps the newest 1,000 runs of each job', async () => {
    await test.query(
      `insert into trunkline.job_runs (job, instance_id, started_at)
       select job, 'x', now() from generate_series(1, 1200) cross join (values ('a'), ('b')) as jobs (job)`,
    );
    expect(await cleanup.get(JobHistory).forget(false)).toBe(400);
    const rows = await test.query('select job, count(*)::int from trunkline.job_runs group by job order by job');
    expect(rows).toEqual([
      { job: 'a', count: 1_000 },
      { job: 'b', count: 1_000 },
    ]);
  });
});

describe('npm run cleanup', () => {
  async function run(...args: string[]): Promise<{ stdout: string; stderr: string; code: number }> {
    const env = { PATH: process.env['PATH'], DATABASE_URL: test.url, JWT_SECRET, API_KEYS: `tests:${API_KEY}` };
    return promisify(execFile)(process.execPath, [CLI, 'cleanup', ...args], { env }).then(
      (output) => ({ ...output, code: 0 }),
      (error: { stdout: string; stderr: string; code: number }) => error,
    );
  }

  it('lists the jobs', async () => {
    const { stdout } = await run('--list');
    for (const { name, does } of jobs.list) expect(stdout).toMatch(new RegExp(`^${name} .*${does}$`, 'm'));
  });

  it('runs one and says what it did; dry, it only says what it would do', async () => {
    await test.query(`select trunkline.make_partition('publish_ids', (now() - interval '9 days')::date)`);
    const dry = await run('--job', 'dedupe-window', '--dry-run');
    expect(dry).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^dedupe-window: would change 1\npublish_ids_.* dropped\n$/),
    });
    expect(await recorded()).toEqual([]);
    const real = await run('--job', 'dedupe-window');
    expect(real.stdout).toMatch(/^dedupe-window: changed 1\npublish_ids_.* dropped\n$/);
    expect(await recorded()).toMatchObject([{ job: 'dedupe-window', instance_id: 'by-hand', rows: 1 }]);
    expect((await run('--job', 'dedupe-window')).stdout).toBe('dedupe-window: changed 0\n');
  });

  it('knows no other jobs', async () => {
    expect(await run('--job', 'sweep')).toMatchObject({ code: 2, stderr: expect.stringContaining('expired-messages') });
  });
});
