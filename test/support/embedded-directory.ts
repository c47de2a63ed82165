import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, readdir, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { transformFile } from '@swc/core';
import { Client } from 'pg';
import {
  startEmbeddedPostgres,
  type EmbeddedOptions,
  type EmbeddedPostgres,
} from '../../libs/embedded-postgres/src/embedded-postgres.js';
import { postmasterState } from '../../libs/embedded-postgres/src/postmaster-state.js';
import { processFacts } from '../../libs/embedded-postgres/src/process-facts.js';

const PROJECT = join(dirname(fileURLToPath(import.meta.url)), '../..');
const SOURCES = join(PROJECT, 'libs/embedded-postgres/src');
const DEADLINE_MS = 30_000;

const MAIN = `
import { once } from 'node:events';
import { startEmbeddedPostgres } from './embedded-postgres.js';
const server = await startEmbeddedPostgres({ directory: process.argv[2] });
process.stdout.write(JSON.stringify({ url: server.url, isAdopted: server.isAdopted }) + '\\n');
await once(process.stdin.resume(), 'end');
await server.stop();
`;

/** A process of its own that uses the directory until it is stopped. */
export interface EmbeddedUser {
  readonly child: ChildProcess;
  readonly url: string;
  readonly isAdopted: boolean;
  stop(): Promise<void>;
}

/** A directory for the embedded PostgreSQL, with the servers and processes that a test has started on it. */
export class EmbeddedDirectory {
  readonly path: string;
  private readonly servers: EmbeddedPostgres[] = [];
  private readonly children: ChildProcess[] = [];

  private constructor(readonly base: string) {
    this.path = join(base, '.trunkline');
  }

  static async make(): Promise<EmbeddedDirectory> {
    // The path has a space in it, because PostgreSQL's pg_ctl passes it through a shell.
    const base = await mkdtemp(join(tmpdir(), 'trunkline embedded-'));
    await chmod(base, 0o755);
    return new EmbeddedDirectory(base);
  }

  /** Ends all that runs here, also a server that a failed test has left, and removes the directory. */
  async remove(): Promise<void> {
    for (const child of this.children) child.kill('SIGKILL');
    await Promise.allSettled(this.servers.map((server) => server.stop()));
    const state = await postmasterState(join(this.path, 'pg'));
    if (state.kind === 'ready') process.kill(state.pid, 'SIGQUIT');
    const relocated = await readlink(join(this.path, 'pg')).catch(() => undefined);
    if (relocated !== undefined) await rm(dirname(relocated), { recursive: true });
    await rm(this.base, { recursive: true, maxRetries: 10 });
  }

  async start(options: Partial<EmbeddedOptions> = {}): Promise<EmbeddedPostgres> {
    const server = await startEmbeddedPostgres({ directory: this.path, ...options });
    this.servers.push(server);
    return server;
  }

  async postmasterPid(): Promise<number> {
    return Number((await readFile(join(this.path, 'pg', 'postmaster.pid'), 'utf8')).split('\n')[0]);
  }

  async killPostmaster(): Promise<void> {
    const pid = await this.postmasterPid();
    process.kill(pid, 'SIGKILL');
    await untilDead(pid);
  }

  /** Lists the contents of each directory in which an initdb is, or was, at work. */
  async nurseries(): Promise<string[][]> {
    const names = await readdir(this.path).catch(() => []);
    const made = names.filter((name) => name.startsWith('pg.init-'));
    return Promise.all(made.map((name) => readdir(join(this.path, name)).catch(() => [])));
  }

  /** Compiles the lib to plain JavaScript, so that real processes, not just calls, can race. */
  async compileProgram(): Promise<string> {
    const out = join(this.base, 'program');
    await mkdir(out);
    await symlink(join(PROJECT, 'node_modules'), join(out, 'node_modules'));
    await writeFile(join(out, 'package.json'), '{"type":"module"}');
    for (const name of await readdir(SOURCES)) {
      if (!name.endsWith('.ts') || name.endsWith('.spec.ts')) continue;
      const { code } = await transformFile(join(SOURCES, name), {
        jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
      });
      await writeFile(join(out, name.replace(/\.ts$/, '.js')), code);
    }
    const main = join(out, 'main.js');
    await writeFile(main, MAIN);
    return main;
  }

  spawn(program: string): ChildProcess {
    const child = spawn(process.execPath, [program, this.path], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.children.push(child);
    return child;
  }

  async startUser(program: string): Promise<EmbeddedUser> {
    const child = this.spawn(program);
    if (child.stdout === null) throw new Error('The child has no stdout.');
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
    const stop = async (): Promise<void> => {
      const exit = once(child, 'exit');
      child.stdin?.end();
      expect(await exit).toEqual([0, null]);
    };
    return { child, stop, ...(JSON.parse(line) as { url: string; isAdopted: boolean }) };
  }
}

export async function queryOnce(url: string, sql: string): Promise<unknown[]> {
  const client = new Client(url);
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<object>(sql)).rows;
  } finally {
    await client.end();
  }
}

export function untilDead(pid: number): Promise<void> {
  return untilSoon(async () => (await processFacts(pid)) === undefined);
}

/** Looks every 2 ms, because what is waited for may last for some milliseconds only. */
export async function untilSoon(isTrue: () => Promise<boolean>): Promise<void> {
  const endsAt = performance.now() + DEADLINE_MS;
  while (!(await isTrue())) {
    if (performance.now() > endsAt) throw new Error(`not within ${DEADLINE_MS} ms`);
    await delay(2);
  }
}
