import { pairs } from './pairs.js';
import type { Scenario } from './scenario.js';
import { openSystems } from './systems.js';
import { runTraffic } from './traffic.js';

const DELIVERIES = { name: 'deliveries', unit: 'deliveries/s' };
const CONNECTIONS = 500;
/** The number of publishes under way, over all users: two for each. */
const OUTSTANDING = 1_000;

export const userToUser: Scenario = {
  letter: 'a',
  title: `user to user across instances: ${CONNECTIONS} connections, closed loop`,
  metrics: [DELIVERIES],
  open(bench) {
    const { threads } = bench.options;
    return openSystems(
      bench,
      {
        systems: ['trunkline', 'socketio-redis', 'socketio-redis-streams', 'socketio-postgres', 'row-per-message'],
        instances: 2,
      },
      async (system) => {
        const plans = pairs({
          run: bench.nextRun(),
          urls: system.urls,
          connections: CONNECTIONS,
          threads,
          flow: { kind: 'closed', outstanding: Math.round(OUTSTANDING / threads) },
        });
        const { deliveriesPerSecond, cpu, ...rest } = await runTraffic(bench, system, plans);
        return { figures: { [DELIVERIES.name]: deliveriesPerSecond }, cpu: { [DELIVERIES.name]: cpu }, ...rest };
      },
    );
  },
};
