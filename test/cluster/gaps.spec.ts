import type { TestClient } from '../support/test-client.js';
import { twoInstances } from '../support/two-instances.js';
import { until } from '../support/until.js';

const { database, cluster, here, there } = await twoInstances();

interface Item {
  readonly data: unknown;
  readonly ttlMs?: number;
}

async function publish(channel: string, ...items: Item[]): Promise<void> {
  for (const item of items) {
    const { body } = await here.rest('POST', '/v1/messages', { channel, type: 'note', ...item });
    expect(body).toMatchObject({ ok: true });
  }
}

/** True once all messages of the channel that may expire have done so, by the database's clock, which alone decides. */
async function hasExpired(channel: string): Promise<boolean> {
  const [row] = await database.query<{ over: boolean }>(
    'select bool_and(expires_at <= clock_timestamp()) as over from trunkline.messages where channel = $1',
    [channel],
  );
  return row?.over === true;
}

const remove = (channel: string, ...seqs: number[]): Promise<unknown> =>
  database.query('delete from trunkline.messages where channel = $1 and seq = any ($2)', [channel, seqs]);

const gapOf = (channel: string, fromSeq: number, toSeq: number, reason: string): unknown => ({
  channel,
  fromSeq,
  toSeq,
  reason,
  ack: { [channel]: toSeq },
});

it('a message that expired while its user was away is not delivered: a gap says so', async () => {
  await publish('user:ann', { data: 'lasting' }, { data: 'short', ttlMs: 1 }, { data: 'shorter', ttlMs: 1 });
  await publish('user:ann', { data: 'after' });
  await until('both expired', () => hasExpired('user:ann'));
  const ann = await cluster.connect(there, { user: 'ann' });
  await until('the rest came', () => ann.bodies('user:ann').includes('after'));
  expect(ann.bodies('user:ann')).toEqual(['lasting', 'after']);
  expect(ann.gaps).toEqual([gapOf('user:ann', 2, 3, 'expired')]);
});

it('a gap at the end of a channel is told too, and once acknowledged it is not told again', async () => {
  await publish('user:ben', { data: 1, ttlMs: 1 }, { data: 2, ttlMs: 1 });
  await until('both expired', () => hasExpired('user:ben'));
  const ben = await cluster.connect(there, { user: 'ben' });
  await until('the gap came', () => ben.gaps.length === 1);
  expect(ben.gaps).toEqual([gapOf('user:ben', 1, 2, 'expired')]);
  await ben.must('ack', { 'user:ben': 2 });
  ben.close();

  const again = await cluster.connect(here, { user: 'ben' });
  await publish('user:ben', { data: 3 });
  await until('the next came', () => again.received.length === 1);
  expect(again.gaps).toEqual([]);
});

it('a message that expires while its reader lags is not delivered', async () => {
  const slow = await cluster.start({ WINDOW_MESSAGES: '2' });
  const cid = await cluster.connect(slow, { user: 'cid', acknowledges: false });
  await publish('user:cid', { data: 1 }, { data: 2 });
  await publish('user:cid', { data: 'waits', ttlMs: 1_000 }, { data: 'also', ttlMs: 1_000 }, { data: 5 });
  await until('the window is full', () => cid.raw.length === 2);
  await until('the waiting ones expired', () => hasExpired('user:cid'));
  cid.acknowledges = true;
  await cid.must('ack', { 'user:cid': 2 });

  await until('the last came', () => cid.bodies('user:cid').includes(5));
  expect(cid.raw.map(({ data }) => data)).toEqual([1, 2, 5]);
  expect(cid.gaps).toEqual([gapOf('user:cid', 3, 4, 'expired')]);
});

it('messages that were removed leave a gap at the beginning, in the middle and at the end', async () => {
  await publish('user:dee', ...[1, 2, 3, 4, 5, 6, 7].map((data) => ({ data })));
  await remove('user:dee', 1, 2, 4, 6, 7);
  const dee = await cluster.connect(there, { user: 'dee' });
  await until('the last gap came', () => dee.gaps.length === 3);
  expect(dee.raw.map(({ data }) => data)).toEqual([3, 5]);
  expect(dee.gaps).toEqual([
    gapOf('user:dee', 1, 2, 'removed'),
    gapOf('user:dee', 4, 4, 'removed'),
    gapOf('user:dee', 6, 7, 'removed'),
  ]);
});

it('a log of which nothing is left is one gap, and goes on behind it', async () => {
  await publish('user:eli', { data: 1 }, { data: 2 }, { data: 3 });
  await remove('user:eli', 1, 2, 3);
  const eli = await cluster.connect(there, { user: 'eli' });
  await until('the gap came', () => eli.gaps.length === 1);
  expect(eli.gaps).toEqual([gapOf('user:eli', 1, 3, 'removed')]);
  await publish('user:eli', { data: 4 });
  await until('the next came', () => eli.received.length === 1);
  expect(eli.raw).toMatchObject([{ seq: 4, data: 4 }]);
});

it('a day dropped by retention leaves a gap, and what is younger comes', async () => {
  await publish('user:fay', { data: 'old' }, { data: 'older than a week' }, { data: 'young' });
  await database.query("select trunkline.make_partition('messages', (now() - interval '9 days')::date)");
  await database.query(
    "update trunkline.messages set created_at = created_at - interval '9 days' where channel = 'user:fay' and seq < 3",
  );
  await cluster.start({ CRON_PARTITIONS: '* * * * * *' });
  await until('the day is dropped', async () => (await storedSeqs('user:fay')).length === 1);

  const fay = await cluster.connect(there, { user: 'fay' });
  await until('the young one came', () => fay.received.length === 1);
  expect(order(fay)).toEqual(['gap 1-2 removed', 'young']);
});

async function storedSeqs(channel: string): Promise<unknown[]> {
  return database.query('select seq from trunkline.messages where channel = $1', [channel]);
}

function order({ gaps, raw }: TestClient): unknown[] {
  const told = gaps.map(({ fromSeq, toSeq, reason }) => ({ seq: fromSeq, what: `gap ${fromSeq}-${toSeq} ${reason}` }));
  const came = raw.map(({ seq, data }) => ({ seq, what: data }));
  return [...told, ...came].sort((a, b) => a.seq - b.seq).map(({ what }) => what);
}
