import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Tokens } from '#auth';
import { ADMIN_API_KEYS, KEYS } from '../admin/operator.js';
import { runCli, type CliRun } from '../support/run-cli.js';
import { API_KEY, JWT_SECRET, Server } from '../support/server.js';
import { TestClient } from '../support/test-client.js';
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

let test: TestDatabase;
let server: Server;

beforeAll(async () => {
  test = await createTestDatabase();
  server = await Server.start(test.url, { ADMIN_API_KEYS });
});
afterAll(async () => {
  try {
    await server?.end('SIGKILL');
  } finally {
    await test?.drop();
  }
});

function run(args: readonly string[], env: Record<string, string> = {}): Promise<CliRun> {
  return runCli(args, {
    ...{ TRUNKLINE_URL: server.url, TRUNKLINE_API_KEY: API_KEY, TRUNKLINE_ADMIN_KEY: KEYS.eyes },
    ...{ DATABASE_URL: test.url, JWT_SECRET },
    ...env,
  });
}

async function json<T>(args: readonly string[]): Promise<T> {
  const { stdout, stderr, code } = await run([...args, '--json']);
  expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
  return JSON.parse(stdout) as T;
}

it('is what `npx trunkline` runs in a clone', async () => {
  const bin = join(import.meta.dirname, '../../bin/trunkline.mjs');
  const { stdout } = await promisify(execFile)(process.execPath, [bin, '--help']);
  expect(stdout).toContain('Usage: trunkline');
  const manifest = JSON.parse(await readFile(join(bin, '../../package.json'), 'utf8')) as { bin: object };
  expect(manifest.bin).toEqual({ trunkline: 'bin/trunkline.mjs' });
});

it.each(['token', 'publish', 'tail', 'why', 'messages', 'connections', 'status', 'migrate', 'cleanup'])(
  '%s explains itself, and knows --json',
  async (command) => {
    const { stdout, code } = await run([command, '--help']);
    expect([code, stdout]).toEqual([0, expect.stringContaining(`Usage: trunkline ${command}`)]);
    expect(stdout).toContain('--json');
  },
);

it.each<[string, string[], Record<string, string>?]>([
  ['an unknown command', ['sweep']],
  ['an unknown option', ['status', '--colour']],
  ['no user', ['token']],
  ['a user that cannot be one', ['token', '--user', 'a\tb']],
  ['a time that is none', ['token', '--user', 'ann', '--ttl-hours', 'soon']],
  ['no channel', ['publish']],
  ['a channel that is none', ['publish', 'nowhere', '1']],
  ['data that is no JSON', ['publish', 'user:ann', 'hello']],
  ['a time to live that is none', ['publish', 'user:ann', '1', '--ttl-ms', 'long']],
  ['a channel nobody can follow', ['tail', 'nowhere']],
  ['a count that is none', ['tail', 'user:ann', '--count', 'x']],
  ['an id that is none', ['why', '42']],
  ['a limit that is none', ['connections', '--limit', '0']],
  ['an instance that cannot be one', ['connections', '--instance', 'a b']],
  ['no job', ['cleanup']],
  ['a job nobody knows', ['cleanup', '--job', 'sweep']],
  ['no key for the server', ['status'], { TRUNKLINE_ADMIN_KEY: '' }],
  ['no key of a back end', ['publish', 'user:ann', '1'], { TRUNKLINE_API_KEY: '' }],
])('%s is one line on stderr, and exit code 2', async (_, args, env = {}) => {
  const { stdout, stderr, code } = await run(args, env);
  expect([code, stdout, stderr]).toEqual([2, '', expect.stringMatching(/^error: [^\n]+\n$/)]);
});

it.each([
  ['no server', ['status'], { TRUNKLINE_URL: 'http://127.0.0.1:9' }],
  ['a key that is none', ['connections'], { TRUNKLINE_ADMIN_KEY: 'nobodys-key-at-all' }],
  ['a key without the scope', ['connections'], { TRUNKLINE_ADMIN_KEY: KEYS.hands }],
  ['an API key that is none', ['publish', 'user:ann', '1'], { TRUNKLINE_API_KEY: 'nobodys-key-at-all' }],
  ['a message nobody knows', ['why', '01890a5d-ac96-774b-bcce-b302099a8057'], {}],
  ['no database', ['migrate'], { DATABASE_URL: 'postgres://nobody@127.0.0.1:9/none', DATABASE_WAIT_MS: '0' }],
])('%s is one line on stderr, and exit code 1', async (_, args, env) => {
  const { stdout, stderr, code } = await run(args, env);
  expect([code, stdout, stderr]).toEqual([1, '', expect.stringMatching(/^error: [^\n]+\n$/)]);
  expect(stderr).not.toContain('nobodys-key-at-all');
});

it('a server without admin REST says so', async () => {
  const plain = await Server.start(test.url);
  const { code, stderr } = await run(['status'], { TRUNKLINE_URL: plain.url });
  await plain.end('SIGKILL');
  expect([code, stderr]).toEqual([1, 'error: the server has no admin REST: its ADMIN_API_KEYS is not set\n']);
});

it('token prints a token that the server takes', async () => {
  const { token } = await json<{ token: string }>(['token', '--user', 'ann', '--grant', 'publish:broadcast']);
  expect(new Tokens(JWT_SECRET).verify(token)).toMatchObject({ user: 'ann', grants: ['publish:broadcast'] });
});

it('publish stores a message once for each publish id', async () => {
  const args = ['publish', 'user:ben', '{"n":1}', '--type', 'invoice', '--publish-id', 'i-1'];
  const first = await json<{ id: string }>(args);
  expect(first).toMatchObject({ ok: true, channel: 'user:ben', seq: 1 });
  expect(await json(args)).toMatchObject({ id: first.id, seq: 1, repeated: true });
  expect((await run(args)).stdout).toBe(
    `user:ben#1 was stored before; what becomes of it: trunkline why ${first.id}\n`,
  );
});

it('tail prints what comes, and takes it from nobody', async () => {
  for (const n of [1, 2, 3]) await json(['publish', 'user:cid', String(n)]);
  const ended = run(['tail', 'user:cid', '--after', '1', '--count', '4', '--json']);
  await json(['publish', 'user:cid', '"one"']);
  await json(['publish', 'user:cid', '"\\u001b[31mtwo"']);
  const lines = (await ended).stdout.trim().split('\n');
  expect(lines.map((line) => (JSON.parse(line) as { seq: number }).seq)).toEqual([2, 3, 4, 5]);
  const inWords = await run(['tail', 'user:cid', '--last', '1', '--count', '1']);
  expect(inWords.stdout).toMatch(/^\S+ user:cid#5 [0-9a-f-]{36} message from a back end: "\\u001b\[31mtwo"\n$/);
  const type = 'x\nforged\u2028line\u202e';
  await server.rest('POST', '/v1/messages', { channel: 'user:forger', type, data: 1 });
  const forged = await run(['tail', 'user:forger', '--last', '1', '--count', '1']);
  expect(forged.stdout).toMatch(/^\S+ user:forger#1 [0-9a-f-]{36} x\ufffdforged\ufffdline\ufffd from a back end: 1\n$/);
  const traces = await test.query(`select user_id from trunkline.devices where user_id = 'cid'
                                    union all select user_id from trunkline.cursors where user_id = 'cid'`);
  expect(traces).toEqual([]);
  const client = await TestClient.connect(server.url, { user: 'cid' });
  await until('the user gets all of it', () => client.received.length === 5);
  client.close();
});

it('connections and status show who is where', async () => {
  const client = await TestClient.connect(server.url, { user: 'dee', deviceId: 'phone' });
  try {
    const found = await json<{ connections: unknown[] }>(['connections', '--user', 'dee']);
    const expected = { user: 'dee', deviceId: 'phone', instanceId: server.instanceId };
    expect(found).toMatchObject({ connections: [expected], isComplete: true });
    const inWords = (await run(['connections', '--device', 'phone'])).stdout;
    expect(inWords).toMatch(new RegExp(`^USER .*\\ndee +phone +${server.instanceId} +${client.ready?.connectionId} `));
    expect((await run(['connections', '--user', 'nobody'])).stdout).toBe('nobody is connected\n');
    const status = await json(['status']);
    expect(status).toMatchObject({ instances: [{ instanceId: server.instanceId, state: 'serving' }], connections: 1 });
    expect((await run(['status'])).stdout).toContain('1 connections of 1 users');
  } finally {
    client.close();
  }
});

it('migrate says what it applied', async () => {
  const empty = await createEmptyDatabase();
  try {
    const env = { DATABASE_URL: empty.url };
    expect(await run(['migrate'], env)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^applied 0001-log\.sql, 0002-/),
    });
    expect((await run(['migrate', '--json'], env)).stdout).toBe('{"applied":[]}\n');
  } finally {
    await empty.drop();
  }
});
