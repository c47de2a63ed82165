import type { Counts, Meter } from '#observability';
import { networkOf } from './network-of.js';
import { Strikes } from './strikes.js';
import { keyOf, type Sighting, type SuspectList } from './suspect-list.js';
import type { Suspicion, Suspicions } from './suspicions.js';

export interface SuspectsOptions {
  /** How often an address may be suspicious in a minute before what fails of it is refused at once; 0: any number. */
  readonly perMinute: number;
  readonly meter: Meter;
  readonly onError: (error: unknown) => void;
}

const WRITE_EVERY_MS = 3_000;
/** Addresses and reasons between two writes. An attack from more addresses than that is counted under {@link OTHERS}. */
const MAX_SIGHTINGS = 2_000;
const OTHERS = 'others';

/**
 * Who behaves as no honest client does, by address and reason: counted in memory, and every few seconds added in one
 * statement to the list that all instances share. What cannot be written waits for the next time.
 */
export class Suspects implements Suspicions {
  private sightings = new Map<string, Sighting>();
  private readonly strikes: Strikes;
  private readonly counts: Counts<Suspicion>;
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> | undefined;

  constructor(
    private readonly list: SuspectList,
    private readonly options: SuspectsOptions,
  ) {
    this.strikes = new Strikes(options.perMinute);
    const about = {
      name: 'trunkline_suspicions_total',
      help: 'What clients did that honest ones rarely do, by reason',
      label: 'reason',
    };
    this.counts = options.meter.counters<Suspicion>(about, ['wrong-key', 'refused-token', 'flood', 'half-open']);
  }

  start(): void {
    this.timer = setInterval(() => void this.write(), WRITE_EVERY_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.write();
  }

  note(from: string, reason: Suspicion): void {
    this.counts.inc(reason);
    const sighting = this.sighting(networkOf(from), reason);
    sighting.count += 1;
    sighting.lastMs = performance.now();
    this.strikes.add(sighting.address);
  }

  /** @returns for how long what fails of this address is refused at once, in milliseconds; 0: it is not */
  refusedForMs(from: string): Promise<number> {
    return this.strikes.outForMs(networkOf(from));
  }

  /** Writes down what was seen; never throws. */
  write(): Promise<void> {
    this.writing ??= this.writeDown().finally(() => (this.writing = undefined));
    return this.writing;
  }

  private sighting(address: string, reason: Suspicion): Sighting {
    const key = keyOf({ address, reason });
    const known = this.sightings.get(key);
    if (known) return known;
    if (this.sightings.size >= MAX_SIGHTINGS && address !== OTHERS) return this.sighting(OTHERS, reason);
    const nowMs = performance.now();
    const sighting = { address, reason, count: 0, firstMs: nowMs, lastMs: nowMs };
    this.sightings.set(key, sighting);
    return sighting;
  }

  /** What could not be written is kept for the next time, beside what was seen meanwhile. */
  private keep(earlier: Sighting): void {
    const { reason, count, firstMs } = earlier;
    const known = this.sightings.get(keyOf(earlier));
    if (known) Object.assign(known, { count: known.count + count, firstMs });
    else if (this.sightings.size < MAX_SIGHTINGS) this.sightings.set(keyOf(earlier), earlier);
    else this.sighting(OTHERS, reason).count += count;
  }

  private async writeDown(): Promise<void> {
    const seen = [...this.sightings.values()];
    if (seen.length === 0) return;
    this.sightings = new Map();
    try {
      await this.list.add(seen);
    } catch (error) {
      this.options.onError(error);
      for (const sighting of seen) this.keep(sighting);
    }
  }
}
