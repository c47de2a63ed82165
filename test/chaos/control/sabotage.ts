import type { ChaosEnvironment } from '../fixtures/chaos-environment.js';
import { acknowledgeEarly } from './acknowledge-early.js';
import { forgetPublishIds, forgetQuickly } from './forgetful-database.js';
import { numberWithoutLock } from './number-without-lock.js';

/** Something outside of the servers that is broken on purpose, to see whether the checker notices. */
export interface Sabotage {
  readonly does: string;
  /**
   * Called when everything runs and nothing is published yet.
   * @returns a function that ends the sabotage
   */
  readonly prepare?: (environment: ChaosEnvironment) => Promise<() => void>;
  /** If false, the devices hand everything to their applications, repeats included. */
  readonly dedupes?: boolean;
}

export const SABOTAGES: Readonly<Record<string, Sabotage>> = {
  'synchronous-commit-off': { does: 'PostgreSQL confirms commits before they are on disk', prepare: forgetQuickly },
  'early-ack': { does: 'REST publishes are acknowledged before they are stored', prepare: acknowledgeEarly },
  'seq-without-lock': {
    does: 'messages are numbered at insert and become visible in another order',
    prepare: numberWithoutLock,
  },
  'publish-ids-forgotten': { does: 'the database remembers no publish id', prepare: forgetPublishIds },
  'client-dedupe-off': { does: 'devices drop no repeats', dedupes: false },
};

export function sabotageNamed(name: string | undefined): Sabotage {
  if (name === undefined) return { does: 'nothing' };
  const sabotage = SABOTAGES[name];
  if (!sabotage) throw new Error(`--sabotage: there is no "${name}", only ${Object.keys(SABOTAGES).join(', ')}`);
  return sabotage;
}
