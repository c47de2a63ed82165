import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { signToken } from '#auth';
import { JWT_SECRET, Server } from '../support/server.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

const ROOT = join(import.meta.dirname, '../..');

let database: TestDatabase;
let server: Server;
let directory: string;

beforeAll(async () => {
  database = await createTestDatabase();
  server = await Server.start(database.url);
  directory = await mkdtemp(join(tmpdir(), 'trunkline-readme-'));
  await symlink(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
});

afterAll(async () => {
  await server.end();
  await database.drop();
  await rm(directory, { recursive: true });
});

test('the client of the README, pasted, publishes and receives its message', async () => {
  const readme = await readFile(join(ROOT, 'README.md'), 'utf8');
  const example = /```js\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';
  const file = join(directory, 'client.mjs');
  await writeFile(file, example.replace('http://127.0.0.1:3000', server.url));
  const token = signToken(JWT_SECRET, { user: 'ann', grants: ['publish:user:*'], ttlMs: 60_000 });
  const child = spawn(process.execPath, [file], { env: { PATH: process.env['PATH'], TOKEN: token } });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  try {
    await until('the message arrives', () => /user:ann#1 from ann: \{ text: 'hello' \}/.test(output));
    await until('the publish is answered', () => output.includes('ok: true'));
    await until('the acknowledgement is stored', async () => {
      const cursors = await database.query(
        `select 1 as one from trunkline.cursors where device_id = 'laptop' and channel = 'user:ann' and delivered_seq = 1`,
      );
      return cursors.length === 1;
    });
  } finally {
    child.kill();
  }
  expect(example.trim().split('\n').length).toBeLessThanOrEqual(16);
});
