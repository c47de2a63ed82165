import type { Bench } from '../bench.js';
import type { LoadGenerator } from '../load/load-generator.js';
import type { SystemName } from '../peers/peer.js';
import type { RunningSystem } from '../peers/running-system.js';
import { clientPlans, STORM_CONCURRENCY } from './client-plans.js';
import type { Measurement, Scenario } from './scenario.js';
import { connectPlan } from './traffic.js';

const SIZE = 5_000;
const WARM_UP_SIZE = 500;
const KIB = 1_024;
const RATE = { name: 'connects', unit: 'connects/s' };
const MEMORY = { name: 'memory per idle connection', unit: 'KiB' };
const PEERS: readonly SystemName[] = ['socketio'];

export const connections: Scenario = {
  letter: 'd',
  title: `${SIZE.toLocaleString('en-US')} connections to one server process`,
  metrics: [RATE, MEMORY],
  async open(bench) {
    const names: readonly SystemName[] = bench.options.systems ?? ['trunkline', ...PEERS];
    return names.map((name) => ({ name, measure: () => measureFresh(bench, name), close: async () => undefined }));
  },
};

/**
 * Measures a fresh system, because a server that once had thousands of connections keeps memory of them. The server
 * warms up with some connections that stay, so that the memory measured for the others is what it did not have before.
 * How fast connections are accepted is measured when the others come again, as a storm of reconnects meets servers
 * whose code is compiled.
 */
async function measureFresh(bench: Bench, name: SystemName): Promise<Measurement> {
  const system = await bench.startSystem(name, 1);
  const [first, load] = [await bench.startLoad(), await bench.startLoad()];
  try {
    await connectClients(bench, system, first, WARM_UP_SIZE);
    const before = await system.settledBytes();
    await connectClients(bench, system, load, SIZE);
    const after = await system.settledBytes();
    await load.each('disconnect', () => undefined);
    const ms = await connectClients(bench, system, load, SIZE);
    return { figures: { [RATE.name]: (SIZE * 1_000) / ms, [MEMORY.name]: (after - before) / SIZE / KIB } };
  } finally {
    await Promise.all([first.stop(), load.stop()]);
    await system.stop();
  }
}

/**
 * Connects `size` clients.
 * @returns milliseconds until the last one was ready
 */
async function connectClients(bench: Bench, system: RunningSystem, load: LoadGenerator, size: number): Promise<number> {
  const clients = clientPlans(bench.nextRun(), size, system.urls, load.threads);
  const toPlan = (thread: number) => connectPlan(bench, system, clients[thread] ?? [], STORM_CONCURRENCY);
  return Math.max(...(await load.each('connect', toPlan)));
}
