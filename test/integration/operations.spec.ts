import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Tokens } from '#auth';
import { JWT_SECRET, Server } from '../support/server.js';
import { TestClient } from '../support/test-client.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';

const ROOT = join(import.meta.dirname, '../..');

let test: TestDatabase;
let server: Server;

beforeAll(async () => {
  test = await createTestDatabase();
  server = await Server.start(test.url);
});
afterAll(async () => {
  try {
    await server?.end('SIGKILL');
  } finally {
    await test?.drop();
  }
});

describe('OpenAPI', () => {
  it('lists every route', async () => {
    const { paths } = await document();
    const routes = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(routes.sort()).toEqual([
      'DELETE /v1/channels/{channel}/members/{user}',
      'DELETE /v1/messages/{id}',
      'DELETE /v1/users/{id}/sessions',
      'DELETE /v1/users/{id}/sessions/{sessionId}',
      'GET /health',
      'GET /health/live',
      'GET /health/ready',
      'GET /health/startup',
      'GET /v1/channels/{channel}/messages',
      'GET /v1/channels/{channel}/presence',
      'GET /v1/dead-letters',
      'GET /v1/messages/{id}',
      'GET /v1/messages/{id}/timeline',
      'GET /v1/users/{id}/connections',
      'GET /v1/users/{id}/presence',
      'GET /v1/users/{id}/sessions',
      'POST /v1/dead-letters/{id}/requeue',
      'POST /v1/messages',
      'POST /v1/messages/scheduled',
      'PUT /v1/channels/{channel}/members/{user}',
    ]);
  });

  it('gives examples that the server accepts', async () => {
    const { paths } = await document();
    const examples = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).flatMap(([method, { requestBody }]) =>
        Object.values(requestBody?.content['application/json']?.examples ?? {}).map(({ value }) => ({
          method,
          path,
          value,
        })),
      ),
    );
    expect(examples.length).toBeGreaterThanOrEqual(2);
    for (const { method, path, value } of examples) {
      const answer = await server.rest(method.toUpperCase(), path, value);
      expect(answer).toMatchObject({ status: 200, body: { ok: true } });
      expect(JSON.stringify(answer)).not.toContain('"ok":false'); // nor any item of a batch
    }
  });

  it('is shown to people at /docs', async () => {
    const response = await fetch(`${server.url}/docs`);
    expect([response.status, await response.text()]).toEqual([200, expect.stringContaining('swagger')]);
  });
});

describe('npm run token', () => {
  it('prints a token that this server takes, with the rights a developer needs', async () => {
    // without the build that npm would run first
    const token = await run('npm', ['run', '--silent', '--ignore-scripts', 'token', '--', '--user', 'ann']);
    const client = await TestClient.connect(server.url, { user: 'ann', token });
    try {
      expect(client.ready?.user).toBe('ann');
      expect(await client.must('publish', { channel: 'user:bob', type: 't', data: 1 })).toMatchObject({ seq: 1 });
    } finally {
      client.close();
    }
  });

  it('prints one with the rights and the time one asks for', async () => {
    const token = await makeToken('--user', 'ann', '--grant', 'publish:broadcast', '--ttl-hours', '0.5');
    const identity = new Tokens(JWT_SECRET).verify(token);
    expect(identity).toMatchObject({ user: 'ann', grants: ['publish:broadcast'] });
    expect(identity.expiresAtMs - Date.now()).toBeLessThanOrEqual(1_801_000);
  });

  it.each([
    ['without a user', []],
    ['with a time that is none', ['--user', 'ann', '--ttl-hours', 'soon']],
    ['with a user that cannot be one', ['--user', 'a\tb']],
    ['with a right nobody knows', ['--user', 'ann', '--grant', 'admin']],
  ])('prints none %s', async (_, args) => {
    await expect(makeToken(...args)).rejects.toMatchObject({ stdout: '' });
  });
});

interface Document {
  paths: Record<string, Record<string, { requestBody?: { content: Record<string, { examples?: Examples }> } }>>;
}
type Examples = Record<string, { value: unknown }>;

async function document(): Promise<Document> {
  const response = await fetch(`${server.url}/docs-json`);
  return (await response.json()) as Document;
}

/** What `npm run token` runs. */
async function makeToken(...args: string[]): Promise<string> {
  return run(process.execPath, [join(ROOT, 'dist/apps/cli/main.js'), 'token', ...args]);
}

async function run(program: string, args: readonly string[]): Promise<string> {
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], JWT_SECRET };
  const { stdout } = await promisify(execFile)(program, args, { cwd: ROOT, env });
  return stdout.trim();
}
