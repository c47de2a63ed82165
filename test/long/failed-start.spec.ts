import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server as NetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { API_KEY, JWT_SECRET, Server } from '../support/server.js';
import { createEmptyDatabase, createTestDatabase, query, type TestDatabase } from '../support/test-database.js';
import { freePorts } from '../lifecycle/fixtures/free-ports.js';
import { FlakyLink } from '../support/flaky-link.js';
import { until } from '../support/until.js';

const ROOT = join(import.meta.dirname, '../..');
const SECRET = 'secret-of-the-url';

let database: TestDatabase;
let directory: string;
/** Held by the tests: nobody listens there but they. */
let taken: NetServer;

beforeAll(async () => {
  database = await createTestDatabase();
  directory = await mkdtemp(join(tmpdir(), 'trunkline-start-'));
  taken = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
  await once(taken, 'listening');
});
afterAll(async () => {
  taken.close();
  await rm(directory, { recursive: true, force: true });
  await database.drop();
});

const takenPort = (): string => String((taken.address() as AddressInfo).port);
const withUrl = (change: Partial<URL>): string => Object.assign(new URL(database.url), change).href;

interface Ending {
  readonly code: number | null;
  readonly stderr: readonly string[];
}

/** @param program of dist/, with its arguments */
async function ended(env: Record<string, string>, program = ['apps/server/main.js']): Promise<Ending> {
  const [file = '', ...args] = program;
  const child = spawn(process.execPath, [...nodeOptions(env), join(ROOT, 'dist', file), ...args], {
    env: {
      PATH: process.env['PATH'],
      PORT: '0',
      NODE_ENV: 'test',
      DATABASE_URL: database.url,
      JWT_SECRET,
      API_KEYS: `tests:${API_KEY}`,
      TRUNKLINE_DIR: directory,
      ...env,
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let text = '';
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stderr: text.split('\n').filter((line) => line !== '') };
}

/** A Node.js that says it is another one, from before the first module on. */
function nodeOptions({ PRETENDED_NODE: version }: Record<string, string>): string[] {
  if (version === undefined) return [];
  const source = `globalThis.process = Object.create(process, { versions: { value: { node: '${version}' } } })`;
  return ['--import', `data:text/javascript,${encodeURIComponent(source)}`];
}

const FAILURES: [what: string, env: () => Record<string, string>, line: RegExp][] = [
  [
    'no database there',
    () => ({ DATABASE_URL: withUrl({ port: '1', password: SECRET }), DATABASE_WAIT_MS: '0' }),
    /^not started: PostgreSQL at 127\.0\.0\.1:1\/\w+ \(DATABASE_URL\) is out of reach: connect ECONNREFUSED/,
  ],
  [
    'no such host',
    () => ({ DATABASE_URL: withUrl({ hostname: 'nowhere.invalid', password: SECRET }), DATABASE_WAIT_MS: '0' }),
    /^not started: PostgreSQL at nowhere\.invalid:\d+\/\w+ \(DATABASE_URL\) is out of reach: getaddrinfo/,
  ],
  [
    'a wrong password',
    () => ({ DATABASE_URL: withUrl({ password: SECRET }) }),
    /^not started: .*\(DATABASE_URL\) refuses the connection: password authentication failed for user "\w+"$/,
  ],
  [
    'no such database',
    () => ({ DATABASE_URL: withUrl({ pathname: '/nowhere' }) }),
    /^not started: .*\/nowhere \(DATABASE_URL\) refuses the connection: database "nowhere" does not exist$/,
  ],
  [
    'no TLS on the other side',
    () => ({ DATABASE_URL: `${database.url}?sslmode=verify-full` }),
    /^not started: .*is out of reach: The server does not support SSL connections$/,
  ],
  [
    'a used port',
    () => ({ PORT: takenPort() }),
    /^not started: another program listens on 127\.0\.0\.1:\d+ already; PORT and HOST say where this one listens$/,
  ],
  ['a wrong setting', () => ({ PORT: 'http' }), /^PORT is "http", must be a whole number/],
  [
    'several hosts',
    () => ({ DATABASE_URL: `postgres://ann:${SECRET}@one:5432,two:5432/db` }),
    /^DATABASE_URL names several hosts: give one address/,
  ],
  [
    'a password that is not encoded',
    () => ({ DATABASE_URL: `postgres://ann:${SECRET}/#?x@one:5432/db` }),
    /^DATABASE_URL is not a URL: a character of user or password may have to be written as %XX/,
  ],
  ['an old Node.js', () => ({ PRETENDED_NODE: '18.20.4' }), /^Node\.js 18\.20\.4 is too old: Trunkline needs 20\.19/],
];

it.each(FAILURES)(
  '%s ends the start with one plain line and exit code 1',
  async (_, env, line) => {
    const { code, stderr } = await ended(env());
    expect(stderr).toEqual([expect.stringMatching(line)]);
    expect(stderr.join()).not.toContain(SECRET);
    expect(code).toBe(1);
  },
  30_000,
);

it('a role without the rights ends the start with one plain line that names the page', async () => {
  const empty = await createEmptyDatabase();
  const role = `nobody_${randomBytes(4).toString('hex')}`;
  await query(empty.url, `create role ${role} login password 'x'`);
  try {
    const url = Object.assign(new URL(empty.url), { username: role, password: 'x' }).href;
    const { code, stderr } = await ended({ DATABASE_URL: url });
    expect(stderr).toEqual([
      expect.stringMatching(
        /^not started: the role of DATABASE_URL lacks a right: permission denied for .*operations\.md/,
      ),
    ]);
    expect(code).toBe(1);
  } finally {
    await empty.drop();
    await query(database.url, `drop role ${role}`);
  }
}, 30_000);

it('a database that PostgreSQL cannot store every text in is refused, before anything is made in it', async () => {
  const name = `latin_${randomBytes(4).toString('hex')}`;
  await query(
    withUrl({ pathname: '/postgres' }),
    `create database ${name} encoding 'LATIN1' locale 'C' template template0`,
  );
  try {
    const url = withUrl({ pathname: `/${name}` });
    const { code, stderr } = await ended({ DATABASE_URL: url });
    expect(stderr).toEqual([
      expect.stringMatching(/^not started: .* has the encoding LATIN1; Trunkline needs UTF8: CREATE DATABASE/),
    ]);
    expect(code).toBe(1);
    expect(await query(url, `select from pg_namespace where nspname = 'trunkline'`)).toEqual([]);
  } finally {
    await query(withUrl({ pathname: '/postgres' }), `drop database ${name} with (force)`);
  }
}, 30_000);

it('a schema from before the first release ends the start with one plain line that says what to do', async () => {
  const old = await createEmptyDatabase();
  try {
    await query(old.url, 'create schema trunkline');
    await query(old.url, 'create table trunkline.migrations (id serial primary key, timestamp bigint, name varchar)');
    await query(
      old.url,
      `insert into trunkline.migrations (timestamp, name) values (1763600000000, 'Old1763600000000')`,
    );
    const { code, stderr } = await ended({ DATABASE_URL: old.url });
    expect(stderr).toEqual([
      expect.stringMatching(/^not started: the schema trunkline .* before the first release.*DROP SCHEMA/),
    ]);
    expect(code).toBe(1);
  } finally {
    await old.drop();
  }
}, 30_000);

it('a schema that a newer version has migrated is served, with a warning that names the migration', async () => {
  const newer = await createTestDatabase();
  try {
    await query(newer.url, `insert into trunkline.migrations (timestamp, name) values (9e12, 'FromTheFuture')`);
    const server = await Server.start(newer.url);
    expect(server.lines.join()).toMatch(/"migrations":\["FromTheFuture"\].*the schema is newer than this program/);
    await server.end('SIGKILL');
  } finally {
    await newer.drop();
  }
}, 60_000);

it('waits for the database with a line a second, alive and not ready, and serves on the same port once it is there', async () => {
  const [port = 0] = await freePorts(1);
  const link = await FlakyLink.start(database.url);
  link.cut();
  const starting = Server.start(link.url, { PORT: String(port), DATABASE_WAIT_MS: '50000' });
  const said: string[] = [];
  const probe = (path: string): Promise<number | undefined> =>
    fetch(`http://127.0.0.1:${port}${path}`).then(
      async (response) => (said.push(await response.text()), response.status),
      () => undefined,
    );
  await until('it is alive', async () => (await probe('/health/live')) === 200, 30_000);
  for (const path of ['/health/ready', '/health/startup', '/health', '/v1/messages', '/']) {
    expect([path, await probe(path)]).toEqual([path, 503]);
  }
  expect(said.join()).not.toContain(new URL(database.url).password);
  link.mend();
  const server = await starting;
  try {
    expect(server.url).toContain(`:${port}`);
    expect(await server.rest('GET', '/health/ready')).toMatchObject({ status: 200 });
    const waits = server.lines
      .join('')
      .split('\n')
      .filter((line) => line.startsWith('waiting for the database'));
    expect(waits[0]).toMatch(
      /^waiting for the database, \d+ of 50 s \(DATABASE_WAIT_MS\): PostgreSQL at 127\.0\.0\.1:\d+\/\w+ \(DATABASE_URL\) is out of reach/,
    );
  } finally {
    await server.end('SIGKILL');
    await link.stop();
  }
}, 90_000);

it('told to end while it waits, it ends with 0', async () => {
  const [port = 0] = await freePorts(1);
  const child = spawn(process.execPath, [join(ROOT, 'dist/apps/server/main.js')], {
    env: {
      PATH: process.env['PATH'],
      PORT: String(port),
      DATABASE_URL: withUrl({ port: '1' }),
      TRUNKLINE_DIR: directory,
    },
    stdio: 'ignore',
  });
  const probe = () =>
    fetch(`http://127.0.0.1:${port}/health/live`).then(
      ({ ok }) => ok,
      () => false,
    );
  await until('it waits', probe, 30_000);
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([0, null]);
}, 60_000);

it('a used port leaves no embedded PostgreSQL running', async () => {
  const own = await mkdtemp(join(tmpdir(), 'trunkline-embedded-'));
  try {
    const { code, stderr } = await ended({ DATABASE_URL: '', TRUNKLINE_DIR: own, PORT: takenPort() });
    expect([code, stderr]).toEqual([1, [expect.stringMatching(/^not started: another program listens/)]]);
    await expect(readFile(join(own, 'pg', 'postmaster.pid'))).rejects.toMatchObject({ code: 'ENOENT' });
  } finally {
    await rm(own, { recursive: true, force: true });
  }
}, 90_000);

const PROGRAMS: [script: string, file: string, ...args: string[]][] = [
  ['start', 'apps/server/main.js'],
  ['cluster', 'test/lifecycle/cluster.js'],
  ['demo', 'apps/demo/main.js'],
  ['chaos', 'test/chaos/main.js'],
  ['bench', 'bench/main.js'],
  ['bench:micro', 'bench/micro/main.js'],
  ['lifecycle', 'test/lifecycle/main.js'],
  ['trunkline', 'apps/cli/main.js'],
  ['cleanup', 'apps/cli/main.js', 'cleanup'],
  ['migrate', 'apps/cli/main.js', 'migrate'],
  ['token', 'apps/cli/main.js', 'token', '--user', 'ann'],
];

it.each(PROGRAMS)(
  'npm run %s starts nothing on an argument that it does not know, and says which',
  async (_, ...program) => {
    const { code, stderr } = await ended({}, [...program, '--no-such-argument']);
    expect(code).toBeGreaterThan(0);
    expect(stderr.join(' ')).toContain('--no-such-argument');
    expect(stderr.join(' ')).not.toContain('    at ');
  },
  30_000,
);

it.each(PROGRAMS)(
  'npm run %s -- --help tells how it is used and ends',
  async (_, ...program) => {
    const { code } = await ended({}, [...program, '--help']);
    expect(code).toBe(0);
  },
  30_000,
);
