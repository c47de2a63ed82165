import { Cluster } from '../support/cluster.js';
import type { Server } from '../support/server.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';
import { StatusLedger } from './status-ledger.js';
import { publish, timelineOf } from './publish.js';

const ISO = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`;

let database: TestDatabase;
let cluster: Cluster;
let server: Server;
let ledger: StatusLedger;

beforeAll(async () => {
  database = await createTestDatabase();
  cluster = new Cluster(database.url, { ACK_TIMEOUT_MS: '300', MAX_ATTEMPTS: '3', WINDOW_MESSAGES: '1' });
  server = await cluster.start();
  ledger = new StatusLedger(server, database);
});
afterEach(() => cluster.closeClients());
afterAll(async () => {
  await cluster.end();
  await database.drop();
});

it('the device is offline, and since when', async () => {
  const phone = await cluster.connect(server, { user: 'ann', deviceId: 'phone' });
  const leftAfter = Date.now() - 1_000;
  phone.close();
  const { id } = await publish(server, { channel: 'user:ann' });
  const pattern = new RegExp(`^device phone offline since (${ISO})$`);
  const reason = await until('it shows offline', async () => pattern.exec(await ledger.reason(id)));
  const since = Date.parse(reason[1] ?? '');
  expect(since).toBeGreaterThan(leftAfter);
  expect(since).toBeLessThanOrEqual(Date.now() + 100);
});

it('the message has expired, and why it was not delivered until then', async () => {
  const phone = await cluster.connect(server, { user: 'ben', deviceId: 'phone' });
  phone.close();
  await until('it is gone', async () => {
    const rows = await database.query(`select 1 from trunkline.connections where user_id = 'ben'`);
    return rows.length === 0;
  });
  const { id } = await publish(server, { channel: 'user:ben', ttlMs: 1 });
  await ledger.until(id, 'ben phone', 'expired');
  expect(await ledger.reason(id)).toMatch(new RegExp(`^expired at ${ISO}; until then device phone offline since`));
});

it('the device does not acknowledge: which attempt of how many', async () => {
  const phone = await cluster.connect(server, { user: 'cid', deviceId: 'phone', acknowledges: false });
  const { id } = await publish(server, { channel: 'user:cid' });
  const told = new Set<string>();
  await until('the connection is closed', async () => {
    told.add(await ledger.reason(id));
    return phone.closing;
  });
  const said = 'no acknowledgement within 300 ms, attempt';
  const online = `device phone was sent it and does not acknowledge: ${said}`;
  expect([...told]).toEqual(expect.arrayContaining([`${online} 1 of 3`, `${online} 2 of 3`]));
  const last = await until('the last one is told of', async () => {
    const reason = await ledger.reason(id);
    return reason.includes('offline') && reason.includes('3 of 3') && reason;
  });
  expect(last).toMatch(new RegExp(`^device phone offline since ${ISO}; last attempt: ${said} 3 of 3$`));
});

it('the device lags: it has earlier messages to acknowledge', async () => {
  const phone = await cluster.connect(server, { user: 'dee', deviceId: 'phone', acknowledges: false });
  await publish(server, { channel: 'user:dee' });
  const { id } = await publish(server, { channel: 'user:dee' });
  await until('the first came', () => phone.raw.length > 0);
  expect(await ledger.reason(id)).toBe(
    'device phone is online and lags: it has to acknowledge earlier messages first; ' +
      'it has acknowledged up to seq 0, this is seq 2',
  );
});

it('the user is not a member of the group, or the message is not for it', async () => {
  const group = await publish(server, { channel: 'group:tea' });
  expect(await ledger.reason(group.id, { user: 'eve' })).toMatch(
    /^eve is not a member of group:tea, and was none when it was published; nobody was: .*; no user eve has ever been seen/,
  );
  await server.rest('PUT', '/v1/channels/group:tea/members/eve');
  expect(await ledger.reason(group.id, { user: 'eve' })).toMatch(
    /^eve became a member of group:tea only after this message: behind seq 1, and it is seq 1; no user eve/,
  );
  const inbox = await publish(server, { channel: 'user:ann' });
  expect(await ledger.reason(inbox.id, { user: 'eve' })).toBe('the message is for ann, not for eve');
});

it('each attempt is listed with where, when and how it ended', async () => {
  const first = await cluster.connect(server, { user: 'fay', deviceId: 'phone', acknowledges: false });
  const { id } = await publish(server, { channel: 'user:fay' });
  await until('it came twice', () => first.raw.length === 2);
  first.close();
  const second = await cluster.connect(server, { user: 'fay', deviceId: 'phone' });
  await ledger.until(id, 'fay phone', 'delivered');
  const attempts = (await timelineOf(server, id)).deliveries[0]?.attempts;
  const { instanceId } = server;
  const [before, after] = [first.ready?.connectionId, second.ready?.connectionId];
  const expected = [
    {
      instanceId,
      connectionId: before,
      attempt: 1,
      outcome: 'timeout',
      error: expect.stringContaining('attempt 1 of 3') as string,
    },
    { instanceId, connectionId: before, attempt: 2, outcome: 'disconnected' },
    { instanceId, connectionId: after, attempt: 1, outcome: 'acknowledged', error: null },
  ];
  expect(attempts).toMatchObject(expected);
});
