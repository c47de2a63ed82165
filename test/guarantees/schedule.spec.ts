import type { BackendSchedule, Scheduled } from '#protocol';
import { Cluster } from '../support/cluster.js';
import type { Server } from '../support/server.js';
import type { TestClient } from '../support/test-client.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';
import { numbers } from './publish.js';

const OTHER_KEY = 'another-api-key-for-tests';
const TOLERANCE_MS = 1_000;

let database: TestDatabase;
let cluster: Cluster;
let servers: Server[];
let server: Server;

beforeAll(async () => {
  database = await createTestDatabase();
  cluster = new Cluster(database.url);
  const keys = `tests:an-api-key-for-tests,others:${OTHER_KEY}`;
  servers = await Promise.all(numbers(1, 3).map(() => cluster.start({ API_KEYS: keys })));
  server = servers[0] as Server;
});
afterEach(() => cluster.closeClients());
afterAll(async () => {
  await cluster.end();
  await database.drop();
});

async function schedule(through: Server, request: BackendSchedule): Promise<Scheduled> {
  const { status, body } = await through.rest('POST', '/v1/messages/scheduled', request);
  expect([status, body]).toMatchObject([200, { ok: true }]);
  return body as Scheduled;
}

const inMs = (ms: number): string => new Date(Date.now() + ms).toISOString();

/** What is published at `sendAt` has come once this has. */
async function markAt(sendAt: string, channel: string): Promise<void> {
  const message = { channel, type: 'mark', data: 'mark', sendAt };
  expect(await server.rest('POST', '/v1/messages/scheduled', message)).toMatchObject({ status: 200 });
}

async function hearMark(client: TestClient, channel: string): Promise<unknown[]> {
  await until('the mark came', () => client.bodies(channel).includes('mark'));
  return client.bodies(channel).filter((body) => body !== 'mark');
}

it('fires each message once, within a second of its time, whichever of three instances does it', async () => {
  const readers = await Promise.all(
    servers.map((each, n) => cluster.connect(each, { user: 'ann', deviceId: `device-${n}` })),
  );
  const offsets = new Map<unknown, number[]>();
  const wanted = numbers(1, 10).map((data) => ({ data, sendAt: inMs(800 + data * 120) }));
  for (const { socket } of readers) {
    socket.on('messages', ({ messages }: { messages: { data: number }[] }) => {
      for (const { data } of messages) {
        const sendAt = Date.parse(wanted[data - 1]?.sendAt ?? '');
        offsets.set(data, [...(offsets.get(data) ?? []), Date.now() - sendAt]);
      }
    });
  }
  const answers = await Promise.all(
    wanted.map((message, n) => schedule(servers[n % 3] as Server, { channel: 'user:ann', type: 't', ...message })),
  );
  expect(answers.map(({ sendAt }) => sendAt)).toEqual(wanted.map(({ sendAt }) => sendAt));
  await until('all came everywhere', () => readers.every(({ raw }) => raw.length >= 10));
  for (const { raw } of readers) expect(raw.map(({ data }) => data)).toEqual(numbers(1, 10));
  const all = [...offsets.values()].flat();
  expect(all).toHaveLength(30);
  expect(Math.min(...all)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...all)).toBeLessThanOrEqual(TOLERANCE_MS);
  const [stored] = await database.query(`select count(*)::int from trunkline.messages where channel = 'user:ann'`);
  expect(stored).toEqual({ count: 10 });
});

it('never publishes what was cancelled in time, over a socket or REST', async () => {
  const ben = await cluster.connect(server, { user: 'ben' });
  const request = { channel: 'user:ben', type: 't', data: 'never', sendAt: inMs(600) };
  const fromSocket = await ben.must('schedule', request);
  expect(await ben.must('cancel', { id: fromSocket.id })).toMatchObject({ id: fromSocket.id, was: 'scheduled' });
  const fromRest = await schedule(server, request);
  const cancelled = await servers[1]?.rest('DELETE', `/v1/messages/${fromRest.id}`);
  expect(cancelled).toMatchObject({ status: 200, body: { ok: true, was: 'scheduled' } });
  await markAt(request.sendAt, 'user:ben');
  expect(await hearMark(ben, 'user:ben')).toEqual([]);
  expect(await ben.ask('cancel', { id: fromSocket.id })).toMatchObject({ ok: false, error: { code: 1012 } });
});

it('lets nobody cancel what somebody else has scheduled or published', async () => {
  const cid = await cluster.connect(server, { user: 'cid' });
  const thief = await cluster.connect(server, { user: 'thief' });
  const request = { channel: 'user:cid', type: 't', data: 'mine', sendAt: inMs(600) };
  const fromSocket = await cid.must('schedule', request);
  const fromRest = await schedule(server, request);
  const published = await cid.must('publish', { channel: 'user:cid', type: 't', data: 'mine' });
  for (const { id } of [fromSocket, fromRest, published]) {
    expect(await thief.ask('cancel', { id })).toMatchObject({ ok: false, error: { code: 3001 } });
  }
  const other = await server.rest('DELETE', `/v1/messages/${fromRest.id}`, undefined, OTHER_KEY);
  expect(other).toMatchObject({ status: 403, body: { error: { code: 3001 } } });
  await markAt(request.sendAt, 'user:cid');
  expect(await hearMark(cid, 'user:cid')).toEqual(['mine', 'mine', 'mine']);
});

it('keeps a published message that is cancelled from the devices that have not got it', async () => {
  const [phone, tablet] = await Promise.all(
    ['phone', 'tablet'].map((deviceId) => cluster.connect(server, { user: 'dee', deviceId })),
  );
  tablet?.close();
  const { id } = await phone!.must('publish', { channel: 'user:dee', type: 't', data: 'oops' });
  await until('the phone has it', () => phone?.received.length === 1);
  expect(await phone!.must('cancel', { id })).toMatchObject({ was: 'stored' });
  const back = await cluster.connect(server, { user: 'dee', deviceId: 'tablet' });
  await until('the gap came', () => back.gaps.length === 1);
  expect([back.raw, back.gaps[0]?.reason]).toEqual([[], 'cancelled']);
});

it('schedules a publish id once, before and after it was published, and refuses another body for it', async () => {
  const eve = await cluster.connect(server, { user: 'eve' });
  const request = { channel: 'user:eve', type: 't', data: 'once', publishId: 'reminder', sendAt: inMs(600) };
  const answers = await Promise.all(
    servers.map((each) => each.rest('POST', '/v1/messages/scheduled', { ...request, sendAt: inMs(500) })),
  );
  const { id, sendAt } = answers[0]?.body as { id: string; sendAt: string };
  for (const { body } of answers) expect(body).toMatchObject({ ok: true, id, sendAt });
  const conflict = await server.rest('POST', '/v1/messages/scheduled', { ...request, data: 'twice' });
  expect(conflict.body).toMatchObject({ ok: false, error: { code: 1013 } });

  await until('it came', () => eve.received.length === 1);
  const again = await server.rest('POST', '/v1/messages/scheduled', { ...request, sendAt: inMs(200) });
  expect(again.body).toMatchObject({ ok: true, id });
  const late = await server.rest('POST', '/v1/messages/scheduled', { ...request, data: 'twice' });
  expect(late.body).toMatchObject({ ok: false, error: { code: 1013 } });
  await markAt(inMs(300), 'user:eve');
  expect(await hearMark(eve, 'user:eve')).toEqual(['once']);
});

it.each(['another body', 'the same body'])(
  'refuses to publish %s at once under the publish id of a message that waits, which then comes',
  async (body) => {
    const channel = `user:${body}`.replaceAll(' ', '-');
    const gus = await cluster.connect(server, { user: channel.slice(5) });
    const request = { channel, type: 't', data: 'scheduled', publishId: 'one' };
    await gus.must('schedule', { ...request, sendAt: inMs(1_500) });
    const data = body === 'the same body' ? request.data : 'at once';
    expect(await gus.ask('publish', { ...request, data })).toMatchObject({ ok: false, error: { code: 1013 } });
    await gus.must('publish', { channel, type: 't', data: 'other', publishId: 'two' });
    await until('both came', () => gus.received.length === 2);
    expect(gus.bodies(channel)).toEqual(['other', 'scheduled']);
    expect(gus.raw.map(({ seq }) => seq)).toEqual([1, 2]);
  },
);

it('puts a scheduled message aside, with its error, if its publish id was taken behind its back', async () => {
  const hal = await cluster.connect(server, { user: 'hal' });
  const request = { channel: 'user:hal', type: 't', data: 'scheduled', publishId: 'one' };
  const { id } = await hal.must('schedule', { ...request, sendAt: inMs(3_600_000) });
  await database.query(`update trunkline.outbox set publish_id = 'hidden' where message_id = $1`, [id]);
  await hal.must('publish', { ...request, data: 'at once' });
  await database.query(`update trunkline.outbox set publish_id = 'one', due_at = now() where message_id = $1`, [id]);
  const row = `select body, error from trunkline.outbox where message_id = $1 and error is not null`;
  const [left] = await until('it is put aside', async () => {
    const rows = await database.query<{ body: string; error: string }>(row, [id]);
    return rows.length > 0 && rows;
  });
  expect(left).toEqual({ body: '"scheduled"', error: expect.stringContaining('publishId') });
  // The one that was first can still be repeated.
  expect(await hal.must('publish', { ...request, data: 'at once' })).toMatchObject({ repeated: true });
});
