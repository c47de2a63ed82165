import { ADMIN_API_KEYS, KEYS } from '../admin/operator.js';
import { API_KEY, Server } from '../support/server.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

/* These tests show what strangers learn of a server that is set up as production is by default. */

let database: TestDatabase;
let server: Server;

beforeAll(async () => {
  database = await createTestDatabase();
  server = await Server.start(database.url, { ADMIN_API_KEYS, API_DOCS: 'off', HEALTH_DETAILS: 'off' });
});
afterAll(async () => {
  await server?.end('SIGKILL');
  await database.drop();
});

it.each(['/docs', '/docs/', '/docs-json', '/docs-yaml', '/docs/swagger-ui-init.js'])(
  'nothing of the REST’s description: %s',
  async (path) => {
    expect(await server.rest('GET', path, undefined, null)).toMatchObject({
      status: 404,
      body: { error: { code: 1012 } },
    });
  },
);

it('of health the status alone, whatever wrong key they show, while the probes are open', async () => {
  await until('all is well', async () => (await server.rest('GET', '/health', undefined, null)).status === 200);
  for (const key of [null, 'a-wrong-key']) {
    expect(await server.rest('GET', '/health', undefined, key)).toEqual({ status: 200, body: { status: 'ok' } });
  }
  for (const probe of ['live', 'ready', 'startup']) {
    const answer = await server.rest('GET', `/health/${probe}`, undefined, null);
    expect(answer).toMatchObject({ status: 200, body: { status: 'ok', details: expect.any(Object) as object } });
  }
  await database.query('alter table trunkline.outbox rename to outbox_away');
  const red = await until('it is noticed', async () => {
    const answer = await server.rest('GET', '/health', undefined, null);
    return answer.status === 503 && answer;
  });
  expect(red.body).toEqual({ status: 'error' });
});

it('who shows a key is told how each part is', async () => {
  for (const key of [API_KEY, KEYS.eyes, KEYS.hands]) {
    const { body } = await server.rest('GET', '/health', undefined, key);
    const part = expect.any(Object) as object;
    expect(body).toMatchObject({ details: { database: part, schema: part, jobs: part } });
  }
});
