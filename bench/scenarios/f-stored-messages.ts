import { Database } from '#database';
import { appender, storedPerSecond } from '../append/append-loop.js';
import { createStoredDatabase, STORED_CHANNELS } from '../append/stored-database.js';
import type { Bench } from '../bench.js';
import type { Contestant, Scenario } from './scenario.js';

const MILLION = 1_000_000;
/** The sizes that are compared. The first is what the others are measured by: Trunkline with full tables. */
const SIZES = [
  { name: 'trunkline, 10 million stored', stored: 10 * MILLION },
  { name: 'trunkline, 1 million stored', stored: MILLION },
  { name: 'trunkline, none stored', stored: 0 },
] as const;
const PUBLISHERS = 1_000;
const COST = { name: 'append', unit: 'µs/message' };

export const storedMessages: Scenario = {
  letter: 'f',
  title: `cost of an append with messages stored already: ${PUBLISHERS.toLocaleString('en-US')} publishers, closed loop`,
  metrics: [COST],
  async open(bench) {
    const { only = '' } = bench.options;
    const contestants: Contestant[] = [];
    for (const { name, stored } of SIZES.filter((size) => size.name.includes(only))) {
      bench.note(`preparing ${name}`);
      contestants.push(await openSize(bench, name, stored));
    }
    return contestants;
  },
};

async function openSize(bench: Bench, name: string, stored: number): Promise<Contestant> {
  const postgres = await bench.infrastructure.postgres();
  const url = await createStoredDatabase(postgres, `stored_${stored}`, stored);
  const database = new Database({
    url,
    poolSize: 4,
    applicationName: 'bench',
    onError: (pool, error) => bench.note(`${pool}: ${error.message}`),
  });
  const append = appender(database);
  // Publishers that are neighbours write to channels far apart, and every channel is written to in turn.
  const store = (publisher: number, turn: number): Promise<unknown> =>
    append(`user:${(publisher * 19 + turn * 7_919) % STORED_CHANNELS}`);
  const { seconds, warmupSeconds } = bench.options;
  return {
    name,
    measure: async () => {
      await storedPerSecond(store, { publishers: PUBLISHERS, seconds: warmupSeconds });
      const rate = await storedPerSecond(store, { publishers: PUBLISHERS, seconds });
      return { figures: { [COST.name]: 1_000_000 / rate } };
    },
    close: () => database.close(),
  };
}
