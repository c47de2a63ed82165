import type { Scenario } from './scenario.js';
import { openSystems, playCases } from './systems.js';
import { runTraffic, type ThreadPlan } from './traffic.js';

const SIZES = [500, 2_000] as const;
/** The number of publishes under way of each publisher. There is one publisher in each thread of the generator. */
const OUTSTANDING = 4;

const caseOf = (size: number): string => `${size.toLocaleString('en-US')} members`;

export const fanOut: Scenario = {
  letter: 'c',
  title: 'fan-out: one group over two instances, closed loop',
  metrics: SIZES.map((size) => ({ name: caseOf(size), unit: 'deliveries/s' })),
  open(bench) {
    return openSystems(bench, { systems: ['trunkline', 'socketio-redis'], instances: 2 }, (system) =>
      playCases(bench, SIZES, caseOf, async (size) => {
        const plans = oneGroup({ run: bench.nextRun(), urls: system.urls, size, threads: bench.options.threads });
        const { deliveriesPerSecond, cpu, ...rest } = await runTraffic(bench, system, plans);
        return { figures: { [caseOf(size)]: deliveriesPerSecond }, cpu: { [caseOf(size)]: cpu }, ...rest };
      }),
    );
  },
};

interface GroupOptions {
  readonly run: string;
  readonly urls: readonly string[];
  readonly size: number;
  readonly threads: number;
}

/** Gives each thread its share of the members, half of them on each server, and a publisher who is not a member. */
function oneGroup({ run, urls, size, threads }: GroupOptions): ThreadPlan[] {
  const channel = `group:${run}`;
  const publishers = Array.from({ length: threads }, (_, thread) => thread);
  return publishers.map((thread) => {
    const members = Array.from({ length: size }, (_, member) => member).filter((member) => member % threads === thread);
    const users = [...members.map((member) => `${run}-${member}`), `${run}-publisher-${thread}`];
    return {
      clients: users.map((user, index) => ({ user, url: urls[(index + thread) % urls.length] ?? '' })),
      joins: members.map((_, client) => ({ client, channel, as: 'member' as const })),
      traffic: {
        streams: [{ id: thread, channel, from: members.length }],
        receives: [...members.map(() => publishers), []],
        flow: { kind: 'closed', outstanding: OUTSTANDING },
      },
    };
  });
}
