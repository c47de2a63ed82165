import type { Bench } from './bench.js';
import type { Measurement, Scenario } from './scenarios/scenario.js';
import { round } from './statistics.js';

/**
 * The number of cores used by other programs above which a measurement is marked. Idle servers of the other systems
 * take a few hundredths.
 */
const DISTURBED = 0.15;

/** The measurements of each contestant, in the order of the rounds. */
export type Measurements = ReadonlyMap<string, readonly Measurement[]>;

/** Measures the contestants in turn, A B A B …, so that what slows the machine down for a while meets all of them. */
export async function playRounds(bench: Bench, scenario: Scenario): Promise<Measurements> {
  const contestants = await scenario.open(bench);
  const measurements = new Map<string, Measurement[]>(contestants.map(({ name }) => [name, []]));
  try {
    for (let turn = 1; turn <= bench.options.rounds; turn++) {
      for (const contestant of contestants) {
        const measurement = await contestant.measure();
        measurements.get(contestant.name)?.push(measurement);
        bench.note(`round ${turn}  ${contestant.name.padEnd(30)}${describe(scenario, measurement)}`);
      }
    }
    return measurements;
  } finally {
    for (const contestant of contestants) await contestant.close();
  }
}

function describe({ metrics }: Scenario, { figures, checks, elsewhere = 0 }: Measurement): string {
  const measured = metrics.flatMap(({ name, unit }) => {
    const figure = figures[name];
    return figure === undefined ? [] : [`${metrics.length > 1 ? `${name}: ` : ''}${round(figure, 4)} ${unit}`];
  });
  const faults = Object.entries(checks ?? {}).filter(([key, value]) => key !== 'expected' && value !== 0);
  const disturbance = elsewhere > DISTURBED ? [`others took ${elsewhere.toFixed(1)} cores`] : [];
  return [...measured, ...faults.map(([key, value]) => `${key}: ${value}`), ...disturbance].join(', ');
}
