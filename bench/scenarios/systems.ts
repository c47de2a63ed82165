import type { Bench } from '../bench.js';
import type { SystemName } from '../peers/peer.js';
import type { RunningSystem } from '../peers/running-system.js';
import type { Contestant, Measurement } from './scenario.js';
import { sumChecks } from './traffic.js';

export interface SystemsOptions {
  /** The systems that take part unless --peers names others. */
  readonly systems: readonly SystemName[];
  readonly instances: number;
}

/** Starts the usual contestants: systems whose servers stay up over all rounds, and idle while others are measured. */
export async function openSystems(
  bench: Bench,
  { systems, instances }: SystemsOptions,
  measure: (system: RunningSystem) => Promise<Measurement>,
): Promise<Contestant[]> {
  const contestants: Contestant[] = [];
  for (const name of bench.options.systems ?? systems) {
    bench.note(`starting ${name}`);
    const system = await bench.startSystem(name, instances);
    contestants.push({ name, measure: () => measure(system), close: () => system.stop() });
  }
  return contestants;
}

/** Runs several cases in one measurement of a system; --only leaves some out. */
export async function playCases<Case>(
  bench: Bench,
  cases: readonly Case[],
  nameOf: (one: Case) => string,
  play: (one: Case) => Promise<Measurement>,
): Promise<Measurement> {
  const { only = '' } = bench.options;
  const played: Measurement[] = [];
  for (const one of cases) if (nameOf(one).includes(only)) played.push(await play(one));
  if (played.length === 0)
    throw new Error(`--only: no case has "${only}" in its name: ${cases.map(nameOf).join(', ')}`);
  const elsewhere = played.flatMap((measurement) => measurement.elsewhere ?? []);
  return {
    ...(elsewhere.length === 0 ? {} : { elsewhere: Math.max(...elsewhere) }),
    figures: Object.assign({}, ...played.map(({ figures }) => figures)) as Measurement['figures'],
    checks: sumChecks(played.flatMap(({ checks = [] }) => checks)),
    cpu: Object.assign({}, ...played.map(({ cpu = {} }) => cpu)) as NonNullable<Measurement['cpu']>,
  };
}
