import { Cluster } from '../support/cluster.js';
import type { RestAnswer, Server } from '../support/server.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';
import { ADMIN_API_KEYS, keyFor, KEYS, keyWithout, type Scope } from './operator.js';

interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query';
  readonly schema: { readonly example?: string | number };
}
interface Operation {
  readonly 'x-scope': Scope;
  readonly security: Record<string, unknown>[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { content: Record<string, { examples: Record<string, { value: unknown }> }> };
  readonly responses: Record<string, { description?: string; content?: Record<string, { schema: Schema }> }>;
}
interface Schema {
  readonly properties?: Record<string, unknown>;
  readonly example?: Record<string, unknown>;
}
interface Route {
  readonly method: string;
  readonly template: string;
  readonly operation: Operation;
}

let database: TestDatabase;
let cluster: Cluster;
let server: Server;
let routes: Route[];

beforeAll(async () => {
  database = await createTestDatabase();
  cluster = new Cluster(database.url, { ADMIN_API_KEYS, SUSPICIONS_PER_MINUTE: '0' });
  server = await cluster.start({ INSTANCE_ID: 'trunkline-1' });
  routes = (await readRoutes()).toSorted((a, b) => order(a) - order(b));
});
afterAll(async () => {
  await cluster.end();
  await database.drop();
});

/** Purging takes away what others want to see, draining all of it. */
function order({ method, template }: Route): number {
  if (template.endsWith('/drain')) return 3;
  return method === 'DELETE' ? 2 : 1;
}

async function readRoutes(): Promise<Route[]> {
  const response = await fetch(`${server.url}/docs-json`);
  const { paths } = (await response.json()) as { paths: Record<string, Record<string, Operation>> };
  return Object.entries(paths)
    .filter(([path]) => path.startsWith('/admin/'))
    .flatMap(([template, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), template, operation })),
    );
}

it('lists every route', () => {
  expect(routes.map(({ method, template }) => `${method} ${template.slice('/admin/v1'.length)}`).toSorted()).toEqual([
    'DELETE /connections/{connection}',
    'DELETE /dead-letters',
    'DELETE /dead-letters/{message}',
    'DELETE /users/{user}',
    'DELETE /users/{user}/ban',
    'DELETE /users/{user}/connections',
    'GET /audit',
    'GET /channels',
    'GET /channels/{channel}',
    'GET /channels/{channel}/members',
    'GET /channels/{channel}/messages',
    'GET /connections',
    'GET /dead-letters',
    'GET /instances',
    'GET /jobs',
    'GET /jobs/{job}/runs',
    'GET /messages',
    'GET /messages/{message}',
    'GET /stats',
    'GET /status',
    'GET /suspects',
    'GET /users',
    'GET /users/{user}',
    'POST /dead-letters/{message}/requeue',
    'POST /instances/{instance}/drain',
    'POST /jobs/{job}/run',
    'PUT /users/{user}/ban',
  ]);
});

it('says of each who may use it, how it can fail, and gives an answer of its own shape as an example', () => {
  for (const { method, template, operation } of routes) {
    const { responses, security } = operation;
    expect([method, template, security]).toEqual([method, template, [{ admin: [] }]]);
    expect(Object.keys(responses)).toEqual(expect.arrayContaining(['200', '400', '401', '403', '503']));
    expect(responses['401']?.description).toMatch(/^2004 /);
    expect(responses['403']?.description).toMatch(/^3001 /);
    const { properties, example } = responses['200']?.content?.['application/json']?.schema ?? {};
    expect([template, Object.keys(example ?? {}).toSorted()]).toEqual([
      template,
      Object.keys(properties ?? {}).toSorted(),
    ]);
  }
});

it('answers no route without a key, with one of another kind, or with one of another scope', async () => {
  for (const route of routes) {
    const { path, body } = example(route);
    const { method, template, operation } = route;
    const [none, foreign, wrong] = [
      await server.rest(method, path, body, null),
      await server.rest(method, path, body),
      await server.rest(method, path, body, keyWithout(operation['x-scope'])),
    ];
    expect([template, none]).toMatchObject([template, { status: 401, body: { ok: false, error: { code: 2004 } } }]);
    expect([template, foreign]).toMatchObject([template, { status: 401, body: { ok: false, error: { code: 2004 } } }]);
    expect([template, wrong]).toMatchObject([template, { status: 403, body: { ok: false, error: { code: 3001 } } }]);
  }
  expect(await database.query('select 1 from trunkline.admin_audit')).toEqual([]);
});

it('takes the example of every route, and answers in the shape of the example', async () => {
  await setTheStage();
  for (const route of routes) {
    const { path, body } = example(route);
    const { method, template, operation } = route;
    const answer = await server.rest(method, path, body, keyFor(operation['x-scope']));
    expect([template, answer.status, JSON.stringify(answer.body)]).toEqual([
      template,
      200,
      expect.stringMatching(/^."ok":true/),
    ]);
    const shown = operation.responses['200']?.content?.['application/json']?.schema.example ?? {};
    expect([template, Object.keys(answer.body as object).toSorted()]).toEqual([
      template,
      Object.keys(shown).toSorted(),
    ]);
    expectNoSecrets(answer);
  }
  await until('the instance has drained', () => !server.isRunning, 15_000);
  expect(server.process.exitCode).toBe(0);
});

it('has written down each change, by whom, and what came of it', async () => {
  const changes = await database.query<{ action: string; key_name: string; result: string }>(
    'select action, key_name, result from trunkline.admin_audit order by id',
  );
  expect(changes.map(({ action }) => action).toSorted()).toEqual([
    'ban-user',
    'disconnect-connection',
    'disconnect-user',
    'drain-instance',
    'erase-user',
    'purge-dead-letter',
    'purge-dead-letters',
    'requeue-dead-letter',
    'run-job',
    'unban-user',
  ]);
  for (const { action, key_name, result } of changes)
    expect([action, key_name, result]).toEqual([action, /^(purge|erase)/.test(action) ? 'broom' : 'hands', 'ok']);
});

function example({ template, operation: { parameters = [], requestBody } }: Route): { path: string; body?: unknown } {
  const query = new URLSearchParams();
  let path = template;
  for (const { name, in: place, schema } of parameters) {
    const value = schema.example;
    if (place === 'path') path = path.replace(`{${name}}`, encodeURIComponent(String(value)));
    else if (value !== undefined) query.set(name, String(value));
  }
  const [body] = Object.values(requestBody?.content['application/json']?.examples ?? {});
  return { path: query.size > 0 ? `${path}?${query.toString()}` : path, ...(body ? { body: body.value } : {}) };
}

/** What the examples name. */
async function setTheStage(): Promise<void> {
  await server.rest('PUT', '/v1/channels/group%3Astaff/members/ann');
  const at = `date_trunc('second', now())`;
  const [message, dead] = ['01963e1c-7a30-7b4e-9f64-2c8d1d1f7a10', '01963e1c-7a30-7b4e-9f64-2c8d1d1f7a11'];
  await database.query(`insert into trunkline.devices (user_id, device_id) values ('ann', 'phone')`);
  await database.query(`insert into trunkline.connections (user_id, connection_id, device_id, instance_id)
                        values ('ann', 'm4xJ0QnPz8d1kqV2AAAB', 'phone', 'trunkline-1')`);
  await database.query(`insert into trunkline.channels (channel, last_seq, last_at) values ('group:staff', 2, ${at})`);
  await database.query(`insert into trunkline.messages (channel, seq, id, type, body, created_at)
                        values ('group:staff', 1, '${message}', 'notice', '"Tea is ready"', ${at}),
                               ('group:staff', 2, '${dead}', 'notice', '"Tea is cold"', ${at})`);
  await database.query(`insert into trunkline.dead_letters (channel, seq, user_id, device_id, message_id, attempts)
                        values ('group:staff', 2, 'ann', 'phone', '${dead}', 10)`);
}

function expectNoSecrets({ body }: RestAnswer): void {
  const text = JSON.stringify(body);
  for (const secret of Object.values(KEYS)) expect(text).not.toContain(secret);
}
