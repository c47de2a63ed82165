import { Database, migrate } from '#database';
import { Retention } from '#message-persistence';
import { MIGRATIONS } from '../../migrations/index.js';
import { appender, storedPerSecond } from '../append/append-loop.js';
import { Postgres } from '../infrastructure/postgres.js';
import type { Micro } from './micro.js';
import { rowPerMessage } from './row-per-message.js';

const CHANNELS = 500;
const PUBLISHERS = 1_000;

/** Compares our append with the usual design, both on one PostgreSQL with synchronous_commit=on. */
export async function appendMicro(): Promise<Micro> {
  const postgres = await Postgres.start();
  const url = await postgres.createDatabase('append');
  await migrate(url, MIGRATIONS);
  const database = new Database({
    url,
    poolSize: 4,
    applicationName: 'bench',
    onError: (_, error) => process.stderr.write(`${error.message}\n`),
  });
  await new Retention(database, { retentionDays: 7, dedupeHours: 24 }).makePartitions();
  const append = appender(database);
  const rows = await rowPerMessage(url);
  const loop = (store: (channel: string) => Promise<unknown>) => (seconds: number) =>
    storedPerSecond((publisher) => store(`user:${publisher % CHANNELS}`), { publishers: PUBLISHERS, seconds });
  return {
    name: 'append',
    unit: 'messages/s',
    isContest: true,
    contestants: { 'group commit': loop(append), 'insert+update': loop(rows.store) },
    close: async () => {
      await rows.close();
      await database.close();
      await postgres.stop();
    },
  };
}
