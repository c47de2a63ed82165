import { Retention, type Appended } from '#message-persistence';
import { draft, openLog, type OpenLog } from '../support/open-log.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';

let test: TestDatabase;
let here: OpenLog;
let there: OpenLog;

beforeAll(async () => {
  test = await createTestDatabase();
  here = openLog(test.url);
  there = openLog(test.url);
  await new Retention(here.database, { retentionDays: 7, dedupeHours: 24 }).makePartitions();
});
beforeEach(async () => {
  await test.query('truncate trunkline.messages, trunkline.publish_ids, trunkline.channels');
});
afterAll(async () => {
  await Promise.all([here.database.close(), there.database.close()]);
  await test.drop();
});

describe('a publish id', () => {
  it('stores one message when two instances bring it at the same moment, and both get the same answer', async () => {
    const ids = Array.from({ length: 200 }, (_, i) => `id-${i}`);
    const publish = ({ log }: OpenLog): Promise<Appended[]> =>
      Promise.all(ids.map((publishId) => log.append(draft('group:a', { publishId, body: JSON.stringify(publishId) }))));
    const [ours, theirs, again] = await Promise.all([publish(here), publish(there), publish(there)]);
    ids.forEach((_, index) => {
      const answers = [ours[index], theirs[index], again[index]];
      expect(
        new Set(answers.map((answer) => `${answer?.id} ${answer?.seq} ${answer?.createdAt.toISOString()}`)).size,
      ).toBe(1);
      expect(answers.filter((answer) => answer?.isRepeated === false)).toHaveLength(1);
    });
    expect(await seqs('group:a')).toEqual(ids.map((_, i) => i + 1));
  });

  it('may stand twice in one batch', async () => {
    const message = draft('group:a', { publishId: 'x' });
    const [first, second] = await Promise.all([
      here.log.append(message),
      here.log.append({ ...message, id: draft('').id }),
    ]);
    expect(second).toEqual({ ...first, isRepeated: true });
    expect(await seqs('group:a')).toEqual([1]);
  });

  it.each([
    ['another body', { body: '"other"' }],
    ['another type', { type: 'other' }],
  ])('is refused with %s, and takes no number', async (_, change) => {
    const first = draft('group:a', { publishId: 'x' });
    await here.log.append(first);
    const reused = here.log.append({ ...draft('group:a', { publishId: 'x' }), ...change });
    await expect(reused).rejects.toMatchObject({ errorName: 'PUBLISH_ID_REUSED' });
    expect(await here.log.append(draft('group:a'))).toMatchObject({ seq: 2 });
    expect(await seqs('group:a')).toEqual([1, 2]);
  });

  it('leaves those beside it in the batch their numbers', async () => {
    await here.log.append(draft('group:a', { publishId: 'old' }));
    const outcomes = await Promise.allSettled([
      here.log.append(draft('group:a', { body: '1' })),
      here.log.append(draft('group:a', { publishId: 'old' })),
      here.log.append(draft('group:a', { publishId: 'new', body: '2' })),
      here.log.append(draft('group:a', { publishId: 'old', body: '"changed"' })),
      here.log.append(draft('group:b', { publishId: 'old', body: '3' })),
      here.log.append(draft('group:a', { publishId: 'new', body: '2' })),
      here.log.append(draft('group:a', { body: '4' })),
    ]);
    expect(outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value.seq : 'refused'))).toEqual([
      2,
      1,
      3,
      'refused',
      1,
      3,
      4,
    ]);
    expect(await seqs('group:a')).toEqual([1, 2, 3, 4]);
    expect(await test.query('select last_seq::int from trunkline.channels order by channel')).toEqual([
      { last_seq: 4 },
      { last_seq: 1 },
    ]);
  });

  it('belongs to its publisher and its channel', async () => {
    await here.log.append(draft('group:a', { publishId: 'x' }));
    for (const other of [
      draft('group:b', { publishId: 'x' }),
      draft('group:a', { publishId: 'x', publisher: 'api:shop' }),
    ]) {
      expect(await here.log.append(other)).toMatchObject({ isRepeated: false });
    }
  });

  it('is remembered across midnight', async () => {
    const days = openLog(test.url, { dedupeHours: 48 });
    const first = await days.log.append(draft('group:a', { publishId: 'x' }));
    await age('25 hours');
    const again = await days.log.append(draft('group:a', { publishId: 'x' }));
    expect(again).toMatchObject({ id: first.id, seq: 1, isRepeated: true });
    await days.database.close();
  });

  it.each([
    [24, '25 hours'],
    [1, '61 minutes'],
  ])('is forgotten after %i hours', async (dedupeHours, since) => {
    const forgetful = openLog(test.url, { dedupeHours });
    await forgetful.log.append(draft('group:a', { publishId: 'x' }));
    await age(since);
    const [fresh, other] = await Promise.all([
      forgetful.log.append(draft('group:a', { publishId: 'x', body: '"other"' })),
      forgetful.log.append(draft('group:a', { publishId: 'y' })),
    ]);
    expect([fresh, other]).toMatchObject([
      { seq: 2, isRepeated: false },
      { seq: 3, isRepeated: false },
    ]);
    expect(await forgetful.log.append(draft('group:a', { publishId: 'x', body: '"other"' }))).toMatchObject({ seq: 2 });
    await forgetful.database.close();
  });
});

async function seqs(channel: string): Promise<unknown[]> {
  const rows = await test.query('select seq::int from trunkline.messages where channel = $1 order by seq', [channel]);
  return rows.map(({ seq }) => seq);
}

/** As if everything had happened that much earlier. */
async function age(interval: string): Promise<void> {
  for (const table of ['messages', 'publish_ids']) {
    await test.query(`update trunkline.${table} set created_at = created_at - $1::interval`, [interval]);
  }
}
