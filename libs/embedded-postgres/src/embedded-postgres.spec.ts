import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, lstat, mkdir, mkdtemp, readFile, readdir, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { transformFile } from '@swc/core';
import { Client } from 'pg';
import { chownTree, isRoot } from './account.js';
import {
  type EmbeddedOptions,
  type EmbeddedPostgres,
  EmbeddedPostgresError,
  startEmbeddedPostgres,
} from './embedded-postgres.js';
import { postmasterState } from './postmaster-state.js';
import { processFacts } from './process-facts.js';

const here = dirname(fileURLToPath(import.meta.url));
const NOBODY = { uid: 65_534, gid: 65_534 };

let base: string;
let directory: string;
let servers: EmbeddedPostgres[];
let children: ChildProcess[];

beforeEach(async () => {
  // The path has a space in it, because PostgreSQL's pg_ctl passes it through a shell.
  base = await mkdtemp(join(tmpdir(), 'trunkline embedded-'));
  await chmod(base, 0o755);
  directory = join(base, '.trunkline');
  servers = [];
  children = [];
});

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  await Promise.allSettled(servers.map((server) => server.stop()));
  await endLeftServer();
  const relocated = await readlink(join(directory, 'pg')).catch(() => undefined);
  if (relocated !== undefined) await rm(dirname(relocated), { recursive: true });
  await rm(base, { recursive: true, maxRetries: 10 });
});

describe('one process', () => {
  it('starts from nothing and answers', async () => {
    const server = await start();
    expect(server.isAdopted).toBe(false);
    expect(await query(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('runs durable, on loopback only, with 300 connections, UTF-8 and UTC', async () => {
    const { url } = await start();
    const names =
      'fsync synchronous_commit listen_addresses unix_socket_directories max_connections TimeZone server_encoding';
    const rows = await query(
      url,
      `SELECT string_agg(current_setting(name), ' ' ORDER BY ordinality) AS text
         FROM unnest(string_to_array('${names}', ' ')) WITH ORDINALITY AS wanted (name)`,
    );
    expect(rows).toEqual([{ text: 'on on 127.0.0.1  300 UTC UTF8' }]);
  });

  it('passes settings on as they are', async () => {
    const { url } = await start({ parameters: { 'trunkline.note': `it's "$HOME"; exit` } });
    expect(await query(url, `SHOW trunkline.note`)).toEqual([{ 'trunkline.note': `it's "$HOME"; exit` }]);
  });

  it('keeps its password to itself and asks for it', async () => {
    const { url } = await start();
    expect((await lstat(join(directory, 'pg-password'))).mode & 0o777).toBe(0o600);
    const wrong = new URL(url);
    wrong.password = 'wrong';
    await expect(query(wrong.href, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' });
  });

  it('comes back on the same port with the same rows', async () => {
    const first = await start();
    await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
    await first.stop();
    const second = await start();
    expect(second.url).toBe(first.url);
    expect(await query(second.url, 'TABLE kept')).toEqual([{ answer: 42 }]);
  });

  it('stops once however often it is asked', async () => {
    const server = await start();
    const pid = await postmasterPid();
    await Promise.all([server.stop(), server.stop()]);
    await server.stop();
    await untilDead(pid);
  });

  it('stops without complaint when the server is gone already', async () => {
    const server = await start();
    await killPostmaster();
    await server.stop();
  });

  it('says what PostgreSQL disliked about a setting, and leaves nothing running', async () => {
    const failure = await start({ parameters: { work_mem: 'plenty' } }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(EmbeddedPostgresError);
    expect(failure).toMatchObject({
      code: 'EMBEDDED_START_FAILED',
      message: expect.stringContaining('invalid value for parameter "work_mem"') as string,
    });
    expect(await postmasterState(join(directory, 'pg'))).toEqual({ kind: 'absent' });
  });
});

describe('several users of one directory', () => {
  it.each(['first', 'second'])('lets the %s leave first, and the last stops it', async (leaver) => {
    const starter = await start();
    const adopter = await start();
    expect(adopter).toMatchObject({ url: starter.url, isAdopted: true });
    const pid = await postmasterPid();
    const [early, late] = leaver === 'first' ? [starter, adopter] : [adopter, starter];
    await early.stop();
    expect(await query(late.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await late.stop();
    await untilDead(pid);
  });

  it('stops the server exactly once when all leave at the same moment', async () => {
    const all = await Promise.all([start(), start(), start(), start(), start()]);
    expect(all.filter((server) => !server.isAdopted)).toHaveLength(1);
    const pid = await postmasterPid();
    await Promise.all(all.map((server) => server.stop()));
    await untilDead(pid);
  });

  it('leaves the server to a client that knows only the URL', async () => {
    const server = await start();
    const stranger = new Client(server.url);
    await stranger.connect();
    await server.stop();
    expect((await stranger.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    await stranger.end();
    await (await start()).stop();
    expect(await postmasterState(join(directory, 'pg'))).toEqual({ kind: 'absent' });
  });

  it('gives five processes that start at once one postmaster', async () => {
    const program = await compileProgram();
    const five = await Promise.all([1, 2, 3, 4, 5].map(() => startChild(program)));
    expect(new Set(five.map(({ url }) => url)).size).toBe(1);
    expect(five.filter(({ isAdopted }) => !isAdopted)).toHaveLength(1);
    const pid = await postmasterPid();
    await Promise.all(five.map((child) => child.stop()));
    await untilDead(pid);
  });

  it('survives the process that started it and is adopted by the next', async () => {
    const { child } = await startChild(await compileProgram());
    const pid = await postmasterPid();
    child.kill('SIGKILL');
    await once(child, 'exit');
    const server = await start();
    expect(server.isAdopted).toBe(true);
    await server.stop();
    await untilDead(pid);
  });
});

describe('after an accident', () => {
  it('has every committed row after kill -9 of the postmaster', async () => {
    const { url } = await start();
    await query(url, 'CREATE TABLE kept (id int)');
    await query(url, 'INSERT INTO kept SELECT generate_series(1, 1000)');
    await killPostmaster();
    const revived = await start();
    expect(revived.isAdopted).toBe(false);
    expect(await query(revived.url, 'SELECT count(*)::int FROM kept')).toEqual([{ count: 1000 }]);
  });

  it('starts although another program has got the pid of the dead postmaster', async () => {
    await (await start()).stop();
    const pidFile = [process.pid, join(directory, 'pg'), 0, 1, '', '127.0.0.1', '', 'ready'];
    await writeFile(join(directory, 'pg', 'postmaster.pid'), pidFile.join('\n'));
    const server = await start();
    expect(server.isAdopted).toBe(false);
  });

  it('heals an initdb whose process was killed half-way', async () => {
    const program = await compileProgram();
    const doomed = spawnChild(program);
    await until(async () => (await nurseries()).some((names) => names.includes('data')));
    doomed.kill('SIGKILL');
    await once(doomed, 'exit');
    expect(await readdir(directory)).not.toContain('pg');
    const server = await start();
    expect(await query(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(await nurseries()).toEqual([]);
  });

  it('says how to go on when the password is lost', async () => {
    await (await start()).stop();
    await rm(join(directory, 'pg-password'));
    await expect(start()).rejects.toMatchObject({
      code: 'EMBEDDED_PASSWORD_LOST',
      remedy: expect.stringContaining('Restore that file') as string,
    });
  });
});

(isRoot() ? describe : describe.skip)('as root', () => {
  it('keeps the data elsewhere if the project lies under a directory for root only', async () => {
    await chmod(base, 0o700);
    const server = await start();
    expect(await query(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(await readlink(join(directory, 'pg'))).toMatch(/^\/var\/tmp\/trunkline-[0-9a-f]{12}\/pg$/);
    const adopter = await start();
    expect(adopter.isAdopted).toBe(true);
  });

  it('goes on as the owner of data that an ordinary user made', async () => {
    await (await start()).stop();
    await chownTree(join(directory, 'pg'), NOBODY);
    await start();
    expect((await lstat(join(directory, 'pg', 'postmaster.pid'))).uid).toBe(NOBODY.uid);
  });
});

async function start(options: Partial<EmbeddedOptions> = {}): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ directory, ...options });
  servers.push(server);
  return server;
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new Client(url);
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<object>(sql)).rows;
  } finally {
    await client.end();
  }
}

async function postmasterPid(): Promise<number> {
  return Number((await readFile(join(directory, 'pg', 'postmaster.pid'), 'utf8')).split('\n')[0]);
}

async function killPostmaster(): Promise<void> {
  const pid = await postmasterPid();
  process.kill(pid, 'SIGKILL');
  await untilDead(pid);
}

async function untilDead(pid: number): Promise<void> {
  await until(async () => (await processFacts(pid)) === undefined);
}

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await sleep(2);
}

/** Ends a server that a failed test has left. */
async function endLeftServer(): Promise<void> {
  const state = await postmasterState(join(directory, 'pg'));
  if (state.kind === 'ready') process.kill(state.pid, 'SIGQUIT');
}

/** Lists the contents of each directory in which an initdb is, or was, at work. */
async function nurseries(): Promise<string[][]> {
  const names = await readdir(directory).catch(() => []);
  const made = names.filter((name) => name.startsWith('pg.init-'));
  return Promise.all(made.map((name) => readdir(join(directory, name)).catch(() => [])));
}

/** Compiles this folder to plain JavaScript, so that real processes, not just calls, can race. */
async function compileProgram(): Promise<string> {
  const out = join(base, 'program');
  await mkdir(out);
  await symlink(join(here, '../../../node_modules'), join(out, 'node_modules'));
  await writeFile(join(out, 'package.json'), '{"type":"module"}');
  for (const name of await readdir(here)) {
    if (!name.endsWith('.ts') || name.endsWith('.spec.ts')) continue;
    const { code } = await transformFile(join(here, name), {
      jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
    });
    await writeFile(join(out, name.replace(/\.ts$/, '.js')), code);
  }
  const main = join(out, 'main.js');
  await writeFile(main, MAIN);
  return main;
}

const MAIN = `
import { once } from 'node:events';
import { startEmbeddedPostgres } from './embedded-postgres.js';
const server = await startEmbeddedPostgres({ directory: process.argv[2] });
process.stdout.write(JSON.stringify({ url: server.url, isAdopted: server.isAdopted }) + '\\n');
await once(process.stdin.resume(), 'end');
await server.stop();
`;

interface Child {
  readonly child: ChildProcess;
  readonly url: string;
  readonly isAdopted: boolean;
  stop(): Promise<void>;
}

function spawnChild(program: string): ChildProcess {
  const child = spawn(process.execPath, [program, directory], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.push(child);
  return child;
}

async function startChild(program: string): Promise<Child> {
  const child = spawnChild(program);
  if (child.stdout === null) throw new Error('The child has no stdout.');
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  const stop = async (): Promise<void> => {
    const exit = once(child, 'exit');
    child.stdin?.end();
    expect(await exit).toEqual([0, null]);
  };
  return { child, stop, ...(JSON.parse(line) as { url: string; isAdopted: boolean }) };
}
