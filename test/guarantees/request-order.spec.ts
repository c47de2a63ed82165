import type { RequestName, RequestPayload } from '#protocol';
import { Cluster } from '../support/cluster.js';
import { inDays } from '../support/in-days.js';
import { seeded, type Seeded } from '../support/seeded.js';
import type { Server } from '../support/server.js';
import { tokenFor, type TestClient } from '../support/test-client.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';
import { RequestModel } from './request-model.js';

const ROUNDS = 60;
const MOST_REQUESTS = 14;
const GROUPS = ['group:red', 'group:blue'];

let database: TestDatabase;
let cluster: Cluster;
let server: Server;

beforeAll(async () => {
  database = await createTestDatabase();
  cluster = new Cluster(database.url);
  server = await cluster.start();
});
afterEach(() => cluster.closeClients());
afterAll(async () => {
  await cluster.end();
  await database.drop();
});

type Asked = { [N in RequestName]: readonly [N, RequestPayload<N>] }[RequestName];

/** Sends all of them without waiting; for each the code of its refusal, or 0. */
async function askAtOnce(client: TestClient, requests: readonly Asked[]): Promise<number[]> {
  const answers = await Promise.all(requests.map(([name, payload]) => client.ask(name, payload)));
  return answers.map((answer) => (answer.ok ? 0 : answer.error.code));
}

async function isMember(user: string, channel: string): Promise<boolean> {
  const sql = 'select 1 from trunkline.memberships where user_id = $1 and channel = $2';
  return (await database.query(sql, [user, channel])).length > 0;
}

const note = (channel: string, data = 0): RequestPayload<'publish'> => ({ channel, type: 'note', data });

describe('requests of one connection, sent without waiting for answers,', () => {
  const { seed, ...random } = seeded();
  it(`answer and end as if each had been awaited (TEST_SEED=${seed})`, async () => {
    const dice = { seed, ...random };
    const tokens = {
      full: tokenFor({ user: 'ann', grants: GRANTS.full }),
      bare: tokenFor({ user: 'ann', grants: GRANTS.bare }),
    };
    const client = await cluster.connect(server, { user: 'ann', token: tokens.full });
    await server.rest('PUT', `/v1/channels/${encodeURIComponent('group:red')}/members/bob`);
    const model = new RequestModel();
    for (let round = 0; round < ROUNDS; round++) {
      const requests = draw(dice, tokens);
      const expected = requests.map(([name, payload]) => model.take(name, payload, tokens.full));
      const codes = await askAtOnce(client, requests);
      expect({ round, codes: label(requests, codes) }).toEqual({ round, codes: label(requests, expected) });
      await expectState(model);
    }
  });

  it('publish in the order sent, also when the first has to wait for a right', async () => {
    const client = await cluster.connect(server, { user: 'cid', grants: GRANTS.full });
    const requests: Asked[] = [['join', { channel: 'group:order' }]];
    for (let data = 1; data <= 20; data++) requests.push(['publish', note('group:order', data)]);
    requests.push(['leave', { channel: 'group:order' }]);
    expect(await askAtOnce(client, requests)).toEqual(requests.map(() => 0));
    const { body } = await server.rest('GET', '/v1/channels/group%3Aorder/messages');
    expect((body as { messages: { data: unknown }[] }).messages.map(({ data }) => data)).toEqual(
      Array.from({ length: 20 }, (_, at) => at + 1),
    );
  });

  it('do nothing any more behind a logout', async () => {
    const options = { user: 'dan', sessionId: 'login-1', grants: GRANTS.full };
    const client = await cluster.connect(server, options);
    const requests: Asked[] = [
      ['logout', {}],
      ['publish', note('group:late')],
      ['join', { channel: 'group:late' }],
    ];
    // Neither may be answered: the connection closes meanwhile.
    await Promise.allSettled(requests.map(([name, payload]) => client.ask(name, payload)));
    await until('it is closed', () => client.disconnectReason);
    expect(await isMember('dan', 'group:late')).toBe(false);
    const { body } = await server.rest('GET', '/v1/channels/group%3Alate/messages');
    expect((body as { messages: unknown[] }).messages).toEqual([]);
  });

  it('end a watch that is unwatched', async () => {
    const watcher = await cluster.connect(server, { user: 'eve', grants: ['presence:*'] });
    const requests: Asked[] = [
      ['watch', { channel: 'user:fay' }],
      ['unwatch', { channel: 'user:fay' }],
    ];
    expect(await askAtOnce(watcher, requests)).toEqual([0, 0]);
    const routes = (): Promise<unknown[]> =>
      database.query("select 1 from trunkline.routes where channel = 'presence:user:fay'");
    await until('nobody watches', async () => (await routes()).length === 0);
  });
});

/** Both may subscribe: what ends with that right is another matter than the order of requests. */
const GRANTS = {
  full: ['publish:*', 'join:*', 'presence:*', 'subscribe:*'],
  bare: ['subscribe:*'],
};

function draw(dice: Seeded, tokens: { full: string; bare: string }): Asked[] {
  const count = 2 + dice.below(MOST_REQUESTS - 1);
  return Array.from({ length: count }, () => drawOne(dice, tokens));
}

function drawOne(dice: Seeded, tokens: { full: string; bare: string }): Asked {
  const channel = dice.pick(GROUPS);
  return dice.pick<() => Asked>([
    () => ['join', { channel }],
    () => ['leave', { channel }],
    () => ['publish', note(channel)],
    () => ['publish', note(channel)],
    () => ['schedule', { ...note(channel), sendAt: inDays(300) }],
    () => ['history', { channel, limit: 1 }],
    () => ['subscribe', { channel }],
    () => ['unsubscribe', { channel }],
    () => ['presence', { channel: dice.pick([channel, 'user:bob']) }],
    () => ['watch', { channel: dice.pick([channel, 'user:bob']) }],
    () => ['unwatch', { channel: dice.pick([channel, 'user:bob']) }],
    () => ['token', { token: dice.pick([tokens.full, tokens.bare]) }],
  ])();
}

function label(requests: readonly Asked[], codes: readonly number[]): string[] {
  return requests.map(([name, payload], at) => {
    const channel = 'channel' in payload ? ` ${payload.channel}` : '';
    return `${name}${channel}: ${codes[at]}`;
  });
}

async function expectState(model: RequestModel): Promise<void> {
  const expected = model.routes(GROUPS);
  const sql = `select channel from trunkline.routes where channel ~ '^(presence:)?(group:(red|blue)|user:bob)$'`;
  let routes: string[] = [];
  await until(`the routes are ${expected.join()} and not ${routes.join()}`, async () => {
    const rows = await database.query<{ channel: string }>(sql);
    routes = rows
      .map(({ channel }) => channel)
      .filter((route) => !model.isUnsure(route))
      .toSorted();
    return routes.join() === expected.join();
  }).catch(() => undefined);
  expect(routes).toEqual(expected);
  for (const channel of GROUPS)
    expect([channel, await isMember('ann', channel)]).toEqual([channel, model.isMember(channel)]);
}
