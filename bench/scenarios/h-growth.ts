import type { Bench } from '../bench.js';
import type { SystemName } from '../peers/peer.js';
import { pairs } from './pairs.js';
import type { Measurement, Scenario } from './scenario.js';
import { playCases } from './systems.js';
import { runTraffic } from './traffic.js';

const CONNECTIONS = 500;
const OUTSTANDING = 1_000;
const INSTANCES = [1, 2, 4] as const;
const CHANNELS = [1_000, 5_000, 20_000] as const;

interface Case {
  readonly instances: number;
  readonly channels: number;
}

const CASES: readonly Case[] = INSTANCES.flatMap((instances) => CHANNELS.map((channels) => ({ instances, channels })));

function nameOf({ instances, channels }: Case): string {
  return `${instances} ${instances === 1 ? 'instance' : 'instances'}, ${channels.toLocaleString('en-US')} channels`;
}

export const growth: Scenario = {
  letter: 'h',
  title: `growth with instances and channels: ${CONNECTIONS} connections that read all channels, closed loop`,
  metrics: CASES.map((one) => ({ name: nameOf(one), unit: 'deliveries/s' })),
  async open(bench) {
    return (bench.options.systems ?? (['trunkline'] as const)).map((name) => ({
      name,
      measure: () => playCases(bench, CASES, nameOf, (one) => measureCase(bench, name, one)),
      close: async () => undefined,
    }));
  },
};

/**
 * Measures a case with servers of its own, because their number differs and no case may inherit the channels of
 * another.
 */
async function measureCase(bench: Bench, name: SystemName, one: Case): Promise<Measurement> {
  const { threads } = bench.options;
  const system = await bench.startSystem(name, one.instances);
  try {
    const plans = pairs({
      run: bench.nextRun(),
      urls: system.urls,
      connections: CONNECTIONS,
      threads,
      channelsPerUser: one.channels / CONNECTIONS,
      flow: { kind: 'closed', outstanding: Math.round(OUTSTANDING / threads) },
    });
    const { deliveriesPerSecond, cpu, ...rest } = await runTraffic(bench, system, plans);
    bench.note(`  ${nameOf(one)}: ${Math.round(deliveriesPerSecond)} deliveries/s`);
    return { figures: { [nameOf(one)]: deliveriesPerSecond }, cpu: { [nameOf(one)]: cpu }, ...rest };
  } finally {
    await system.stop();
  }
}
