import { migrate } from '#database';
import { MIGRATIONS } from '../../migrations/index.js';
import { Cluster } from '../support/cluster.js';
import { OwnPostgres } from '../support/own-postgres.js';
import { seeded } from '../support/seeded.js';
import { runStorm, STORM_CHANNELS } from './sql-storm-run.js';

/** By hand: `npm run build && node dist/test/guarantees/sql-storm.js 100000 [seed]`. */
const [messages = '100000', seed] = process.argv.slice(2);
const random = seed === undefined ? seeded() : seeded(Number(seed));
process.stdout.write(`seed ${random.seed}\n`);

const postgres = await OwnPostgres.start();
try {
  await migrate(postgres.url, MIGRATIONS);
  const cluster = new Cluster(postgres.url);
  try {
    const [server] = await Promise.all([cluster.start(), cluster.start()]);
    const reader = await cluster.connect(server, { user: 'ann' });
    for (const channel of STORM_CHANNELS) await reader.must('join', { channel });
    const { received } = reader;
    const run = { databaseUrl: postgres.url, received, messages: Number(messages), writers: 64, maxPerTransaction: 50 };
    const result = await runStorm({ ...run, random });
    process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
    const { skipped, unexpected, outOfOrder, holes } = result;
    process.exitCode = skipped + unexpected + outOfOrder + holes === 0 ? 0 : 1;
  } finally {
    await cluster.end();
  }
} finally {
  await postgres.remove();
}
