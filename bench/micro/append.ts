import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Database, migrate, startEmbeddedPostgres } from '#database';
import { MIGRATIONS } from '../../migrations/index.js';
import { groupCommit } from './group-commit.js';
import { rowPerMessage } from './row-per-message.js';

/** One way to store messages: the promise resolves when the message is committed. */
export type Store = (place: number) => Promise<void>;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    publishers: { type: 'string', default: '1000' },
    json: { type: 'boolean', default: false },
  },
});

/** How many messages a closed loop of publishers stores in a second. */
async function measure(store: Store): Promise<number> {
  const startedAt = performance.now();
  const endsAt = startedAt + Number(values.seconds) * 1_000;
  let stored = 0;
  const publisher = async (place: number): Promise<void> => {
    while (performance.now() < endsAt) {
      await store(place);
      stored += 1;
    }
  };
  await Promise.all(Array.from({ length: Number(values.publishers) }, (_, place) => publisher(place)));
  return stored / ((performance.now() - startedAt) / 1_000);
}

function summary(rates: readonly number[]): { median: number; min: number; max: number } {
  const sorted = rates.map(Math.round).sort((a, b) => a - b);
  return { median: sorted[Math.floor(sorted.length / 2)] ?? 0, min: sorted[0] ?? 0, max: sorted.at(-1) ?? 0 };
}

/** Both on one database, in turn, so that a slow moment of the machine meets both. */
async function run(url: string): Promise<void> {
  await migrate(url, MIGRATIONS);
  const database = new Database({
    url,
    poolSize: 4,
    applicationName: 'bench',
    onError: (_, error) => process.stderr.write(`${error.message}\n`),
  });
  const peers = { 'insert+update': await rowPerMessage(url), 'group commit': groupCommit(database) };
  try {
    report(await compare(peers));
  } finally {
    await peers['insert+update'].close();
    await database.close();
  }
}

async function compare(peers: Record<string, { store: Store }>): Promise<Record<string, number[]>> {
  const rates: Record<string, number[]> = {};
  for (const { store } of Object.values(peers)) await measure(store);
  for (let round = 1; round <= Number(values.rounds); round++) {
    for (const [name, { store }] of Object.entries(peers)) {
      const rate = await measure(store);
      (rates[name] ??= []).push(rate);
      if (!values.json) process.stdout.write(`round ${round}  ${name.padEnd(14)} ${Math.round(rate)} messages/s\n`);
    }
  }
  return rates;
}

function report(rates: Record<string, number[]>): void {
  const results = Object.fromEntries(Object.entries(rates).map(([name, all]) => [name, summary(all)]));
  const ratio = (results['group commit']?.median ?? 0) / (results['insert+update']?.median ?? 1);
  const ratios = { 'insert+update': Math.round(ratio * 10) / 10 };
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}`;
  if (values.json) {
    const { rounds, publishers } = values;
    process.stdout.write(
      `${JSON.stringify({ scenario: 'append', unit: 'messages/s', rounds: Number(rounds), publishers: Number(publishers), machine, results, ratios })}\n`,
    );
    return;
  }
  for (const [name, { median, min, max }] of Object.entries(results)) {
    process.stdout.write(`${name.padEnd(14)} median ${median} messages/s (${min} to ${max})\n`);
  }
  process.stdout.write(
    `group commit / insert+update: ${ratios['insert+update']} ×, both durable (synchronous_commit=on), on ${machine}\n`,
  );
}

const directory = await mkdtemp(join(tmpdir(), 'trunkline-bench-'));
// As root the server runs under another account, which has to get in here.
await chmod(directory, 0o755);
const postgres = await startEmbeddedPostgres({ directory });
try {
  await run(postgres.url);
} finally {
  await postgres.stop();
  await rm(directory, { recursive: true, force: true });
}
