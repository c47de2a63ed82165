import { createHmac } from 'node:crypto';
import { Cluster } from '../support/cluster.js';
import { JWT_SECRET, type Server } from '../support/server.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { TestClient } from '../support/test-client.js';
import { until } from '../support/until.js';

const NOW = Math.floor(Date.now() / 1_000);

let database: TestDatabase;
let cluster: Cluster;
let server: Server;
/** performance.now() */
let loggedAtMs = -Infinity;

beforeAll(async () => {
  database = await createTestDatabase();
  cluster = new Cluster(database.url, { LOG_LEVEL: 'info' });
  server = await cluster.start();
});
afterEach(() => cluster.closeClients());
afterAll(async () => {
  await cluster.end();
  await database.drop();
});

function issue(claims: object, secret = JWT_SECRET): string {
  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');
  const text = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode({ sub: 'ann', exp: NOW + 600, ...claims })}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}

/** What the server logged with these words, newest last. */
function logged(words: string): { code: number; reason: string }[] {
  return server.lines
    .filter((line) => line.includes(`"msg":"${words}"`))
    .map((line) => JSON.parse(line) as { code: number; reason: string });
}

it.each([
  ['past its end', 2003, /is past its exp, since \d+ s/, issue({ exp: NOW - 60 })],
  ['not valid yet', 2002, /nbf lies \d+ s ahead/, issue({ nbf: NOW + 60 })],
  ['from the future', 2002, /iat lies ahead of the database’s clock/, issue({ iat: NOW + 60 })],
  ['of another secret', 2002, /its signature does not fit/, issue({}, 'x'.repeat(40))],
  ['that names nobody', 2002, /sub is missing/, issue({ sub: undefined })],
  ['with a grant nobody knows', 2002, /grants\.0 /, issue({ grants: ['rule:world'] })],
  ['that is none', 2002, /is not a JWT/, 'garbage'],
])('a token %s is refused with its reason, in the error and in the log', async (_, code, reason, token) => {
  // Ten refusals a second are logged, and each of these makes two.
  await until('the log takes its lines', () => performance.now() > loggedAtMs + 300);
  loggedAtMs = performance.now();
  const stranger = cluster.keep(TestClient.open(server.url, { user: 'ann', token }));
  const refusal = await until('it is refused', () => stranger.refusal);
  expect(refusal).toMatchObject({ code, message: expect.stringMatching(reason) });
  const client = await cluster.connect(server, { user: 'ann' });
  const answer = await client.ask('token', { token });
  expect(answer).toMatchObject({ ok: false, error: { code, message: expect.stringMatching(reason) } });
  for (const words of ['handshake refused', 'token refused']) {
    const line = await until('it is logged', () => logged(words).findLast((each) => reason.test(each.reason)));
    expect(line).toMatchObject({ code, reason: expect.stringMatching(reason) });
  }
  expect(server.lines.join()).not.toContain(token);
});
