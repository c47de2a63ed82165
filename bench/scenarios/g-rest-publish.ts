import type { Bench } from '../bench.js';
import type { RunningSystem } from '../peers/running-system.js';
import type { Measurement, Scenario } from './scenario.js';
import { openSystems, playCases } from './systems.js';

const BATCHES = [1, 100, 1_000] as const;
const USERS = 500;
/** The number of requests under way in all threads. */
const CONCURRENCY = 64;
/** The number of batches under way. A batch carries so much that a few keep the servers busy. */
const BATCH_CONCURRENCY = 8;

const caseOf = (batch: number): string => (batch === 1 ? 'singly' : `batches of ${batch.toLocaleString('en-US')}`);

export const restPublish: Scenario = {
  letter: 'g',
  title: 'REST publish to two instances, closed loop',
  metrics: BATCHES.map((batch) => ({ name: caseOf(batch), unit: 'messages/s' })),
  async open(bench) {
    if (bench.options.systems !== undefined && bench.options.systems.length > 1) {
      throw new Error('--peers: scenario g has none, no other system here has a REST to publish with');
    }
    return openSystems(bench, { systems: ['trunkline'], instances: 2 }, (system) =>
      playCases(bench, BATCHES, caseOf, (batch) => measureBatches(bench, system, batch)),
    );
  },
};

async function measureBatches(bench: Bench, system: RunningSystem, batch: number): Promise<Measurement> {
  const { threads, seconds, warmupSeconds } = bench.options;
  const run = bench.nextRun();
  const concurrency = Math.ceil((batch === 1 ? CONCURRENCY : BATCH_CONCURRENCY) / threads);
  const load = await bench.startLoad();
  try {
    const results = await load.each('publishOverRest', (thread) => ({
      url: system.urls[thread % system.urls.length] ?? '',
      apiKey: bench.apiKey,
      users: Array.from({ length: USERS }, (_, user) => `${run}-${thread}-${user}`),
      concurrency,
      batch,
      warmupSeconds,
      seconds,
    }));
    const total = (key: 'perSecond' | 'published' | 'lost'): number =>
      results.reduce((sum, result) => sum + result[key], 0);
    return {
      figures: { [caseOf(batch)]: total('perSecond') },
      checks: { expected: total('published'), lost: total('lost'), duplicated: 0, disordered: 0, refused: 0 },
    };
  } finally {
    await load.stop();
  }
}
