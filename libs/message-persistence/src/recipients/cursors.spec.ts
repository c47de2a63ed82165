import { Client } from 'pg';
import { Database } from '#database';
import type { Receipt } from '#protocol';
import { seeded } from '../../../../test/support/seeded.js';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/test-database.js';
import { Outbox } from '../outbox/outbox.js';
import { Retention } from '../retention/retention.js';
import { Cursors, type Settlement } from './cursors.js';

const CHANNEL = 'group:g';
const random = seeded();

let test: TestDatabase;
let database: Database;
let cursors: Cursors;
let outbox: Outbox;

beforeEach(async () => {
  test = await createTestDatabase();
  database = new Database({ url: test.url, poolSize: 4, applicationName: 'settlements', onError: () => undefined });
  cursors = new Cursors(database, 'here', 0);
  outbox = new Outbox(database, { dedupeHours: 24, defaultTtlMs: { user: 0, group: 0, broadcast: 0 } });
  await test.query(
    `insert into trunkline.messages (channel, seq, id, sender, type, body, created_at, controls)
     select $1, n, gen_random_uuid(), case n % 2 when 0 then 'ann' else 'ada' end, 't', '1', now(),
            '{"receipts": ["delivered", "read"]}' from generate_series(1, 100) as n`,
    [CHANNEL],
  );
});
afterEach(async () => {
  await database.close();
  await test.drop();
});

function acknowledged(user: string, deviceId: string, fromSeq: number, toSeq: number): Settlement {
  const what = { outcome: 'acknowledged', error: null, isDurable: true, wantsReceipts: true } as const;
  return { user, deviceId, connectionId: 'c', channel: CHANNEL, fromSeq, toSeq, attempt: 1, ageMs: 0, ...what };
}

/** Reads the receipts to a user: from the outbox in the order in which they were written, or from the inbox. */
async function receiptsTo(author: string, table: 'outbox' | 'messages' = 'outbox'): Promise<Receipt[]> {
  const rows = await test.query<{ body: Receipt }>(
    `select body::json from trunkline.${table} where channel = $1 order by ${table === 'outbox' ? 'id' : 'seq'}`,
    [`user:${author}`],
  );
  return rows.map(({ body }) => body);
}

/** Makes what several devices of each reader acknowledge up to seq 100, each in random steps of its own. */
function manySteps(readers: number, devices: number): Settlement[][] {
  return Array.from({ length: readers * devices }, (_, n) => {
    const [user, device] = [`reader-${n % readers}`, `d${n}`];
    const steps: Settlement[] = [];
    for (let seq = 0; seq < 100;) {
      const toSeq = Math.min(100, seq + 1 + random.below(20));
      steps.push(acknowledged(user, device, seq + 1, toSeq));
      seq = toSeq;
    }
    return steps;
  });
}

describe('receipts', () => {
  it(`tell of each step of a reader once and in order, while its devices race on several connections (seed ${random.seed})`, async () => {
    const save = async (steps: Settlement[]): Promise<void> => {
      for (const step of steps) await cursors.save([step]);
    };
    await Promise.all(manySteps(3, 4).map(save));
    for (const [author, last] of [
      ['ann', 100],
      ['ada', 99],
    ] as const) {
      const reached = new Map<string, number>();
      for (const { user, seq } of await receiptsTo(author)) {
        expect(seq).toBeGreaterThan(reached.get(user) ?? 0);
        reached.set(user, seq);
      }
      expect([...reached].toSorted()).toEqual([0, 1, 2].map((n) => [`reader-${n}`, last]));
    }
  });

  it('are one for each author, reader and statement, however many messages and devices', async () => {
    const devices = ['phone', 'tablet', 'desk'];
    const readers = ['bob', 'ben', 'ann'];
    await cursors.save(readers.flatMap((user) => devices.map((device) => acknowledged(user, device, 1, 100))));
    expect((await receiptsTo('ann')).map(({ user, seq }) => [user, seq]).toSorted()).toEqual([
      ['ben', 100],
      ['bob', 100],
    ]);
    expect(await receiptsTo('ada')).toHaveLength(3);
    // Another device of the same reader has nothing new to tell.
    await cursors.save([acknowledged('bob', 'laptop', 1, 100)]);
    expect(await receiptsTo('ann')).toHaveLength(2);
  });

  it('become one message each where several wait in the outbox, and what older servers wrote is left alone', async () => {
    const older = (n: number) =>
      test.query(
        `insert into trunkline.outbox (due_at, message_id, channel, publisher, type, body, publish_id)
         values ('-infinity', gen_random_uuid(), 'user:ann', 'trunkline', 'trunkline.receipt', $1, $2)`,
        [JSON.stringify({ state: 'delivered', seq: n }), `delivered:${n}`],
      );
    for (const seq of [2, 4, 6]) {
      await cursors.save([acknowledged('bob', 'phone', seq - 1, seq), acknowledged('ben', 'phone', seq - 1, seq)]);
      await cursors.read({ user: 'bob', deviceId: 'phone' }, { [CHANNEL]: seq });
      await older(seq);
    }
    await outbox.drain();
    const receipts = await receiptsTo('ann', 'messages');
    expect(receipts.map(({ state, seq, user = 'an older one' }) => `${state} ${seq} ${user}`).toSorted()).toEqual([
      'delivered 2 an older one',
      'delivered 4 an older one',
      'delivered 6 an older one',
      'delivered 6 ben',
      'delivered 6 bob',
      'read 6 bob',
    ]);
  });

  it('keep no acknowledgement waiting for the outbox while it is drained', async () => {
    await cursors.save([acknowledged('bob', 'phone', 1, 10)]);
    const drainer = new Client(test.url);
    await drainer.connect();
    try {
      await drainer.query('begin');
      const { rows } = await drainer.query(`select * from trunkline.drain_outbox(500, '1 day', 0, 0, 0)`);
      expect(rows).toHaveLength(2);
      await cursors.save([acknowledged('bob', 'phone', 11, 20), acknowledged('bob', 'tablet', 1, 10)]);
      await drainer.query('commit');
    } finally {
      await drainer.end();
    }
    await outbox.drain();
    expect((await receiptsTo('ann', 'messages')).map(({ seq }) => seq)).toEqual([10, 20]);
  });

  it('are remembered until every message they can be about is past retention', async () => {
    await test.query('delete from trunkline.messages');
    await test.query(
      `insert into trunkline.receipts (author, channel, user_id, state, seq, updated_on)
       select 'ann', 'group:' || day, 'bob', 'read', 1, (now() at time zone 'utc')::date - day
         from generate_series(1, 12) as day`,
    );
    const retention = new Retention(database, { retentionDays: 7, dedupeHours: 24 });
    expect(await retention.forgetReceipts(true)).toBe(4);
    expect(await retention.forgetReceipts()).toBe(4);
    expect(await retention.forgetReceipts()).toBe(0);
    const [left] = await test.query('select count(*)::int as rows from trunkline.receipts');
    expect(left).toEqual({ rows: 8 });
  });

  it('are lost with nothing: a statement that fails moves no cursor and reports nothing', async () => {
    const all = [acknowledged('bob', 'phone', 1, 10), { ...acknowledged('ben', 'phone', 1, 10), attempt: 2 ** 40 }];
    await expect(cursors.save(all)).rejects.toThrow();
    const [row] = await test.query(
      `select ((select count(*) from trunkline.cursors) + (select count(*) from trunkline.receipts))::int as written`,
    );
    expect(row).toEqual({ written: 0 });
    await cursors.save([acknowledged('bob', 'phone', 1, 10)]);
    expect((await receiptsTo('ann')).map(({ seq }) => seq)).toEqual([10]);
  });
});
