import type { Bench } from '../bench.js';
import type { SystemName } from '../peers/peer.js';
import type { RunningSystem } from '../peers/running-system.js';
import type { Contestant, Measurement } from './scenario.js';

export interface SystemsOptions {
  /** Who takes part unless --peers says so. */
  readonly systems: readonly SystemName[];
  readonly instances: number;
}

/** The usual contestants: systems, whose servers stay up over all rounds and idle while others are measured. */
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
