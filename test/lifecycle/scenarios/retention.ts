import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { Database, migrate } from '#database';
import { MessageLog, Retention } from '#message-persistence';
import { MIGRATIONS } from '../../../migrations/index.js';
import { OwnPostgres } from '../../support/own-postgres.js';
import type { Figure, LifecycleScenario } from '../lifecycle-scenario.js';
import { PublishPulse } from '../fixtures/publish-pulse.js';
import type { Query } from '../fixtures/registered.js';

const STORED = 5_000_000;
const CHANNELS = 5_000;
const CALM_MS = 5_000;
const OLD_DAYS = 20;
/** A reader reads all the time, in transactions of this length, with pauses half as long. */
const READER_MS = 100;
const BLOCKED_MS = 100;

export const RETENTION: LifecycleScenario = {
  name: 'retention',
  does: 'drops a day of 5 million messages (--clients: how many) beside a publisher that never pauses, and a reader',
  async run({ clients: stored = STORED, note }) {
    const postgres = await OwnPostgres.start();
    try {
      return await dropUnderLoad(postgres.url, (text, values) => postgres.query(text, values), stored, note);
    } finally {
      await postgres.remove();
    }
  },
};

export async function dropUnderLoad(
  url: string,
  query: Query,
  stored: number,
  note: (text: string) => void,
): Promise<Figure[]> {
  await migrate(url, MIGRATIONS);
  const database = new Database({ url, poolSize: 4, applicationName: 'retention', onError: () => undefined });
  const retention = new Retention(database, { retentionDays: 7, dedupeHours: 24 });
  const log = new MessageLog(database, { maxWaiting: 100, deadlineMs: 30_000, dedupeHours: 24 });
  let reader: Stoppable | undefined;
  try {
    await retention.makePartitions();
    await fill(query, stored);
    note(`${stored} messages are stored`);
    reader = await read(url);
    const pulse = new PublishPulse(log);
    await delay(CALM_MS);
    const calm = pulse.take();
    const startedAt = performance.now();
    const { dropped } = await retention.dropPartitions('messages');
    const dropMs = performance.now() - startedAt;
    const busy = pulse.take();
    await pulse.stop();
    return [
      { what: 'partitions not dropped', value: 1 - dropped.length, atMost: 0 },
      { what: 'for looking at the messages and dropping them', value: dropMs, unit: 'ms' },
      { what: `publishes meanwhile; in ${CALM_MS / 1_000} s of calm: ${calm.count}`, value: busy.count },
      { what: 'the slowest publish in calm', value: calm.worstMs, unit: 'ms' },
      { what: 'the slowest publish meanwhile', value: busy.worstMs, unit: 'ms' },
      { what: 'longer than in calm', value: Math.max(0, busy.worstMs - calm.worstMs), unit: 'ms', atMost: BLOCKED_MS },
    ];
  } finally {
    await reader?.stop();
    await database.close();
  }
}

/** Fills a day long past with messages of 200 bytes for which nobody waits. */
async function fill(query: Query, stored: number): Promise<void> {
  await query(`select trunkline.make_partition('messages', (now() at time zone 'utc')::date - ${OLD_DAYS})`);
  const [row] = await query<{ name: string }>(
    `select name from trunkline.old_partitions('messages', (now() at time zone 'utc')::date - 7) as name`,
  );
  await query(
    `insert into trunkline.${row?.name} (channel, seq, id, sender, type, body, created_at)
     select 'user:' || n % ${CHANNELS}, n / ${CHANNELS} + 1, gen_random_uuid(), 'ann', 'note', repeat('x', 200),
            date_trunc('day', now(), 'UTC') - interval '${OLD_DAYS} days' + n * interval '10 milliseconds'
       from generate_series(0, $1::int - 1) as n`,
    [stored],
  );
}

interface Stoppable {
  stop(): Promise<void>;
}

async function read(url: string): Promise<Stoppable> {
  const session = new Client({ connectionString: url });
  await session.connect();
  let isStopped = false;
  const reading = (async () => {
    while (!isStopped) {
      await delay(READER_MS / 2);
      await session.query('begin');
      await session.query('select from trunkline.messages limit 1');
      await delay(READER_MS);
      await session.query('rollback');
    }
  })();
  const stop = async (): Promise<void> => {
    isStopped = true;
    await reading;
    await session.end();
  };
  return { stop };
}
