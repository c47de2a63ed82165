import { Database } from '#database';
import { Cursors, type Death, type Settlement } from '#message-persistence';
import { Reader } from '../../../../test/support/reader.js';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/test-database.js';
import { until } from '../../../../test/support/until.js';
import { AckBuffer } from './ack-buffer.js';
import type { SeqRange } from '../connection/in-flight.js';
import { LiveChannel } from '../live/live-channel.js';
import type { Subscription } from '../connection/subscription.js';

/**
 * Drops what it is given once a test is over, even if that failed; otherwise the ack buffer would go on trying for
 * ever.
 */
class TestSettlements extends Cursors {
  isOver = false;

  override async save(settled: readonly Settlement[]): Promise<void> {
    if (!this.isOver) await super.save(settled);
  }

  override async fail(settled: readonly Settlement[]): Promise<Death[]> {
    return this.isOver ? [] : super.fail(settled);
  }
}

let test: TestDatabase;
let database: Database;
let errors: unknown[];
let deaths: Death[];
let settlements: TestSettlements;
let acks: AckBuffer;
let subscription: Subscription;

beforeEach(async () => {
  test = await createTestDatabase();
  database = new Database({ url: test.url, poolSize: 2, applicationName: 'ack-book-spec', onError: () => undefined });
  errors = [];
  deaths = [];
  settlements = new TestSettlements(database, 'here', 2);
  acks = new AckBuffer(
    settlements,
    5,
    (death) => deaths.push(death),
    (error) => errors.push(error),
  );
  subscription = new Reader({ acks }).subscribe(new LiveChannel('group:a'), 'live');
});
afterEach(async () => {
  settlements.isOver = true;
  await acks.flush();
  await database.close();
  await test.drop();
});

describe('AckBuffer', () => {
  it('folds the acknowledgements of a channel into one row, and is saved when that is committed', async () => {
    acknowledge(1, 3);
    acknowledge(4, 9);
    await acks.saved();
    expect(await cursors()).toEqual([{ device_id: 'phone', channel: 'group:a', delivered_seq: '9' }]);
    expect(await attempts()).toEqual([{ from_seq: '1', to_seq: '9', outcome: 'acknowledged', instance_id: 'here' }]);
  });

  it('never moves a position back', async () => {
    acknowledge(1, 9);
    await acks.saved();
    acknowledge(1, 4);
    await acks.saved();
    expect(await cursors()).toMatchObject([{ delivered_seq: '9' }]);
  });

  it('keeps no position for a mere subscription, but writes down its attempts', async () => {
    subscription = new Reader({ acks }).subscribe(new LiveChannel('group:a'), 'live', 0, false);
    acknowledge(1, 2);
    await acks.saved();
    expect(await cursors()).toEqual([]);
    expect(await attempts()).toHaveLength(1);
  });

  it('writes failures without moving the position', async () => {
    fail(1, 5);
    await acks.saved();
    expect(await cursors()).toMatchObject([{ delivered_seq: '0' }]);
    expect(await attempts()).toMatchObject([{ from_seq: '1', to_seq: '5', outcome: 'timeout' }]);
  });

  it('moves the position over a gap, which is no attempt', async () => {
    acknowledge(1, 2);
    acks.acknowledge(subscription, 5, []);
    acknowledge(6, 7);
    await acks.saved();
    expect(await cursors()).toMatchObject([{ delivered_seq: '7' }]);
    expect(await attempts()).toMatchObject([
      { from_seq: '1', to_seq: '2' },
      { from_seq: '6', to_seq: '7' },
    ]);
  });

  it('tells of a message given up after too many attempts in all, and moves the position behind it', async () => {
    await test.query(`insert into trunkline.channels (channel, last_seq) values ('group:a', 1)`);
    await test.query(
      `insert into trunkline.messages (channel, seq, id, type, body, created_at)
       values ('group:a', 1, gen_random_uuid(), 't', '1', now())`,
    );
    fail(1, 1);
    await acks.saved();
    expect(deaths).toEqual([]);
    fail(1, 1);
    await until('it is given up', () => deaths.length === 1);
    expect(deaths).toMatchObject([{ deviceId: 'phone', channel: 'group:a', seq: 1 }]);
    expect(await cursors()).toMatchObject([{ delivered_seq: '1' }]);
  });

  it('is saved at once when there is nothing to save', async () => {
    await acks.saved();
    await acks.flush();
    expect(errors).toEqual([]);
  });

  it('keeps what could not be written, tells nobody it was, and writes it when the database is back', async () => {
    await test.query('alter table trunkline.cursors rename to cursors_away');
    acknowledge(1, 3);
    const early = noted(acks.saved());
    const flushing = acks.flush();
    // Nothing is new here, so this waits for the write that is under way.
    const meanwhile = noted(acks.saved());
    acknowledge(4, 5);
    const late = noted(acks.saved());
    await flushing;
    await until('a second try failed, too', () => errors.length >= 2);
    expect([early.isSaved, meanwhile.isSaved, late.isSaved]).toEqual([false, false, false]);

    await test.query('alter table trunkline.cursors_away rename to cursors');
    await until('all are saved', () => early.isSaved && meanwhile.isSaved && late.isSaved);
    expect(await cursors()).toMatchObject([{ delivered_seq: '5' }]);
    expect(await attempts()).toMatchObject([
      { from_seq: '1', to_seq: '3' },
      { from_seq: '4', to_seq: '5' },
    ]);
  });

  it('lets no attempt cover more than 10,000 messages, so that who looks for those of one need not look further', async () => {
    acknowledge(1, 9_000);
    acknowledge(9_001, 12_000);
    await acks.saved();
    expect(await attempts()).toMatchObject([
      { from_seq: '1', to_seq: '9000' },
      { from_seq: '9001', to_seq: '12000' },
    ]);
  });

  it('writes down as several attempts what a resuming device acknowledges at once, also across a channel put forward', async () => {
    acknowledge(1, 20_001);
    await acks.saved();
    expect(await attempts()).toMatchObject([
      { from_seq: '1', to_seq: '10000' },
      { from_seq: '10001', to_seq: '20000' },
      { from_seq: '20001', to_seq: '20001' },
    ]);
    acknowledge(20_002, 1e12);
    await acks.saved();
    expect(await attempts()).toHaveLength(1_003);
    expect(await cursors()).toMatchObject([{ delivered_seq: String(1e12) }]);
  });

  it('writes down when something was sent, however long the note had to wait', async () => {
    const slow = new AckBuffer(
      settlements,
      300,
      () => undefined,
      (error) => errors.push(error),
    );
    slow.note(subscription, run(1, 1), 'timeout', 'no acknowledgement');
    await slow.saved();
    const [row] = await test.query<{ ms: number }>(
      'select extract(epoch from settled_at - sent_at)::float8 * 1000 as ms from trunkline.attempts',
    );
    expect(row?.ms).toBeGreaterThan(290);
  });
});

function acknowledge(fromSeq: number, toSeq: number): void {
  acks.acknowledge(subscription, toSeq, [run(fromSeq, toSeq)]);
}

function fail(fromSeq: number, toSeq: number): void {
  acks.note(subscription, run(fromSeq, toSeq), 'timeout', 'no acknowledgement');
}

function run(fromSeq: number, toSeq: number): SeqRange {
  return { fromSeq, toSeq, sentAtMs: performance.now(), wantsReceipts: false };
}

function noted(saved: Promise<void>): { isSaved: boolean } {
  const note = { isSaved: false };
  void saved.then(() => (note.isSaved = true));
  return note;
}

function cursors(): Promise<object[]> {
  return test.query('select device_id, channel, delivered_seq from trunkline.cursors');
}

function attempts(): Promise<object[]> {
  return test.query('select from_seq, to_seq, outcome, instance_id from trunkline.attempts order by from_seq');
}
