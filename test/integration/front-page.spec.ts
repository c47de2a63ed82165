import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { API_KEY, JWT_SECRET } from '../support/server.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

let database: TestDatabase;
let directory: string;

beforeAll(async () => {
  database = await createTestDatabase();
  directory = await mkdtemp(join(tmpdir(), 'trunkline-front-'));
});
afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
  await database.drop();
});

it('on a terminal says in four plain lines where it serves and how to go on, and so does its front page', async () => {
  const main = `${process.execPath} dist/apps/server/main.js`;
  const env = {
    PORT: '0',
    DATABASE_URL: database.url,
    TRUNKLINE_DIR: directory,
    JWT_SECRET,
    API_KEYS: `tests:${API_KEY}`,
  };
  // `script` gives the program a terminal.
  const child = spawn('script', ['-qec', `exec ${main}`, '/dev/null'], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true,
  });
  try {
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const url = await until(
      'it has said where',
      () => /^Trunkline serves on (http:\/\/[\d.]+:\d+)/m.exec(output)?.[1],
      50_000,
    );
    await until('all of it came', () => /^REST: +http.*\/docs/m.test(output));
    expect(output).toMatch(/^A token: +npm run -s token -- --user ann/m);
    expect(output).toMatch(/^A client: README\.md/m);
    const response = await fetch(url);
    expect([response.status, await response.json()]).toMatchObject([
      200,
      { name: 'trunkline', docs: { rest: '/docs' } },
    ]);
  } finally {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  }
}, 60_000);
