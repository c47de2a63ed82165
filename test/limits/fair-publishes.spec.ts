import { Cluster } from '../support/cluster.js';
import { draft, openLog, type OpenLog } from '../support/open-log.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';

const COMMIT = 500;

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const times = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

describe('publishes that wait for a commit', () => {
  let opened: OpenLog;

  beforeEach(() => {
    opened = openLog(database.url, { maxWaiting: 10_000 });
  });
  afterEach(() => opened.database.close());

  const append = (user: string, body = '1'): Promise<number> =>
    opened.log.append(draft(`group:${user}`, { publisher: `user:${user}`, body })).then(({ seq }) => seq);

  it('are those of all users in turns: whoever has thousands waiting waits behind itself', async () => {
    let stored = 0;
    const flood = times(2_000).map(async () => {
      const seq = await append('ann');
      stored += 1;
      return seq;
    });
    await flood[0];
    const before = stored;
    await Promise.all(times(10).map(() => append('bob')));
    // At most the commit under way was stored, the one with bob's messages, and what was answered in the same turn.
    expect(stored - before).toBeLessThanOrEqual(2 * COMMIT);
    const seqs = await Promise.all(flood);
    expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
  });

  it('are no more than 2 MB at once, so that a short one does not wait for the long ones of others', async () => {
    let stored = 0;
    const long = `"${'x'.repeat(60_000)}"`;
    const flood = times(300).map(() => append('cid', long).then(() => (stored += 1)));
    await flood[0];
    const before = stored;
    await append('dee');
    expect(stored - before).toBeLessThanOrEqual(2 * Math.ceil(2_097_152 / long.length));
    await Promise.all(flood);
  });

  it('are those of one user up to a tenth of all, and of a back end up to a half; others are taken', async () => {
    const refused = (answers: readonly PromiseSettledResult<unknown>[]) =>
      answers.flatMap((answer) => (answer.status === 'rejected' ? [(answer.reason as Error).message] : []));
    const flood = times(4_000).map(() => append('eve'));
    const others = times(10).map(() => append('fay'));
    const answers = await Promise.allSettled(flood);
    expect((await Promise.all(others)).sort((a, b) => a - b)).toEqual(times(10).map((i) => i + 1));
    expect(new Set(refused(answers))).toEqual(new Set(['too many publishes of user:eve are waiting']));
    expect(refused(answers).length).toBeLessThanOrEqual(2_000);
    const key = (): Promise<unknown> => opened.log.append(draft('group:gus', { publisher: 'api:tests' }));
    expect(refused(await Promise.allSettled(times(5_000).map(key)))).toEqual([]);
  });
});

it('one user who publishes on twenty sockets as fast as it can is no reason to refuse another one', async () => {
  const cluster = new Cluster(database.url);
  try {
    const server = await cluster.start();
    const bob = await cluster.connect(server, { user: 'bob' });
    const sockets = await Promise.all(times(20).map(() => cluster.connect(server, { user: 'ann' })));
    // These are more than MAX_WAITING_PUBLISHES, to a group that nobody reads.
    const flood = sockets.flatMap((ann) =>
      times(1_100).map(() => ann.ask('publish', { channel: 'group:flood', type: 'flood', data: 1 })),
    );
    const over = Promise.allSettled(flood);
    const answers = [];
    for (const n of times(5)) answers.push(await bob.ask('publish', { channel: 'user:bob', type: 'note', data: n }));
    expect(answers.filter(({ ok }) => !ok)).toEqual([]);
    await over;
  } finally {
    await cluster.end();
  }
});
