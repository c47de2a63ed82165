import { pairs } from './pairs.js';
import type { Scenario } from './scenario.js';
import { openSystems, playCases } from './systems.js';
import { runTraffic } from './traffic.js';

const CONNECTIONS = 500;
const RATES = [5_000, 1_000] as const;
const PERCENTILES = [99, 95, 50] as const;

const caseOf = (rate: number): string => `${rate.toLocaleString('en-US')} messages/s`;
const metricOf = (percent: number, rate: number): string => `p${percent} at ${caseOf(rate)}`;
/**
 * Names the latency of the answer. Where a delivery is late, it tells whether the storing took the time or what came
 * after.
 */
const answerOf = (percent: number, rate: number): string => `answer, ${metricOf(percent, rate)}`;
const METRICS = RATES.flatMap((rate) => [
  ...PERCENTILES.map((percent) => metricOf(percent, rate)),
  ...PERCENTILES.map((percent) => answerOf(percent, rate)),
]);

export const latency: Scenario = {
  letter: 'b',
  title: `latency from publish to receipt across instances: ${CONNECTIONS} connections, open loop`,
  metrics: METRICS.map((name) => ({ name, unit: 'ms' })),
  open(bench) {
    const { threads } = bench.options;
    return openSystems(bench, { systems: ['trunkline', 'socketio-redis'], instances: 2 }, (system) =>
      playCases(bench, RATES, caseOf, async (rate) => {
        const plans = pairs({
          run: bench.nextRun(),
          urls: system.urls,
          connections: CONNECTIONS,
          threads,
          flow: { kind: 'open', ratePerSecond: rate / threads },
        });
        const { latencyMs, answerMs, cpu, ...rest } = await runTraffic(bench, system, plans);
        const figures = PERCENTILES.flatMap((percent) => [
          [metricOf(percent, rate), latencyMs(percent)],
          [answerOf(percent, rate), answerMs(percent)],
        ]);
        return {
          figures: Object.fromEntries(figures) as Record<string, number>,
          cpu: { [metricOf(PERCENTILES[0], rate)]: cpu },
          ...rest,
        };
      }),
    );
  },
};
