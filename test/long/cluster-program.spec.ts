import { spawn, type ChildProcess } from 'node:child_process';
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { findNginx } from '../lifecycle/fixtures/nginx.js';
import { API_KEY, JWT_SECRET } from '../support/server.js';
import { TestClient } from '../support/test-client.js';
import { until } from '../support/until.js';

const MAIN = resolve('dist/test/lifecycle/cluster.js');

/**
 * nginx is taken from Debian, so there may be none on other systems or without a network. In CI a missing nginx is a
 * failure.
 */
const hasNginx = await findNginx().then(
  () => true,
  (error: unknown) => {
    if (process.env['CI'] !== undefined) throw error;
    return false;
  },
);

/** Runs `npm run cluster` on free ports, as the leader of a process group, as in a terminal. */
class ClusterProgram {
  private output = '';

  private constructor(
    readonly process: ChildProcess,
    readonly directory: string,
  ) {
    process.stderr?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
  }

  static async start(): Promise<ClusterProgram> {
    const directory = await mkdtemp(join(tmpdir(), 'trunkline-cluster-'));
    await chmod(directory, 0o755); // PostgreSQL never runs as root
    const env = { PATH: process.env['PATH'], PORT: '0', TRUNKLINE_DIR: directory, JWT_SECRET };
    const child = spawn(process.execPath, [MAIN], {
      env: { ...env, API_KEYS: `tests:${API_KEY}` },
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    });
    return new ClusterProgram(child, directory);
  }

  /**
   * Waits until the cluster serves.
   * @returns the addresses: nginx first, then the instances
   */
  async whenServing(): Promise<string[]> {
    await until('the cluster serves', () => this.output.includes('Ctrl-C'), 55_000);
    return this.output.match(/http:\/\/127\.0\.0\.1:\d+/g) ?? [];
  }

  /** The process itself, its children and theirs. */
  async pids(): Promise<number[]> {
    const pid = this.process.pid ?? 0;
    return [pid, ...(await descendants(pid))];
  }

  /** Sends SIGINT as Ctrl-C in a terminal does: every process of the group gets it, and npm passes it on once more. */
  async interrupt(): Promise<number | null> {
    process.kill(-(this.process.pid ?? 0), 'SIGINT');
    this.process.kill('SIGINT');
    await until('it has ended', () => this.process.exitCode !== null, 20_000);
    return this.process.exitCode;
  }

  /** Ends all processes, whatever state a failed test has left them in. */
  async remove(): Promise<void> {
    if (this.process.exitCode === null) for (const pid of await this.pids()) process.kill(pid, 'SIGKILL');
    await rm(this.directory, { recursive: true, force: true });
  }
}

async function descendants(of: number): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const stats = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')));
  const parents = new Map(stats.map((stat) => [Number.parseInt(stat), Number(stat.split(') ')[1]?.split(' ')[1])]));
  const below = (pid: number): number[] =>
    [...parents].filter(([, parent]) => parent === pid).flatMap(([child]) => [child, ...below(child)]);
  return below(of);
}

function isTaken(url: string): Promise<boolean> {
  return new Promise((answer) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => answer(socket.destroy() !== undefined));
    socket.on('error', () => answer(false));
  });
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

(hasNginx ? it : it.skip)(
  'the cluster of one command serves through nginx, and Ctrl-C leaves nothing of it',
  async () => {
    const cluster = await ClusterProgram.start();
    const clients: TestClient[] = [];
    try {
      const urls = await cluster.whenServing();
      const [front = '', ...instances] = urls;
      expect(instances).toHaveLength(3);
      // nginx distributes in turn, so three clients in a row connect to three instances.
      for (const user of ['ann', 'ben', 'cem']) clients.push(await TestClient.connect(front, { user }));
      const [ann, ben, cem] = clients;
      await ann?.must('publish', { channel: 'user:ben', type: 'chat', data: 'by socket' });
      const response = await fetch(`${front}/v1/messages`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}` },
        body: JSON.stringify({ channel: 'user:cem', type: 'chat', data: 'by REST' }),
      });
      expect(response.status).toBeLessThan(300);
      await until('both have it', () => ben?.bodies('user:ben').length === 1 && cem?.bodies('user:cem').length === 1);

      const pid = cluster.process.pid ?? 0;
      const pids = [pid, ...(await descendants(pid))];
      expect(pids.length).toBeGreaterThanOrEqual(1 + 3 + 2); // the program itself, the instances, nginx and its worker
      const postgres = Number.parseInt(await readFile(join(cluster.directory, 'pg/postmaster.pid'), 'utf8'));
      expect(isAlive(postgres)).toBe(true);
      expect(await cluster.interrupt()).toBe(0);
      // The clients were drained and not just cut off: each was told when to reconnect.
      expect(clients.map(({ reconnect }) => reconnect !== undefined)).toEqual([true, true, true]);
      await until('no process is left', () => [...pids, postgres].every((each) => !isAlive(each)));
      expect(await Promise.all(urls.map(isTaken))).toEqual([false, false, false, false]);
    } finally {
      for (const client of clients) client.close();
      await cluster.remove();
    }
  },
);
