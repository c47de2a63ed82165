import type { Counts, Meter } from '#observability';
import { networkOf } from '../network-of.js';
import { Strikes } from './strikes.js';
import { keyOf, type Sighting, type SuspectList } from './suspect-list.js';
import type { Suspicion } from './suspicion.js';

export interface SuspectsOptions {
  /** How often a minute an address may be suspicious before its failing requests are refused at once; 0: any number. */
  readonly perMinute: number;
  readonly meter: Meter;
  readonly onError: (error: unknown) => void;
}

const WRITE_EVERY_MS = 3_000;
/** The most pairs of address and reason between two writes. Further addresses are counted under {@link OTHERS}. */
const MAX_SIGHTINGS = 2_000;
const OTHERS = 'others';

/**
 * Counts what honest clients do not do, by address and reason. The counts are kept in memory, and every few seconds
 * added in one statement to the list that all instances share. Counts that cannot be written wait for the next time.
 */
export class Suspects {
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

  /** @param from the address of the client, not of a trusted proxy, as `ClientAddress` finds it */
  note(from: string, reason: Suspicion): void {
    this.counts.inc(reason);
    const sighting = this.sighting(networkOf(from), reason);
    sighting.count += 1;
    sighting.lastMs = performance.now();
    this.strikes.add(sighting.address);
  }

  /**
   * @returns for how many milliseconds failing requests of this address are refused at once; 0: they are not refused
   */
  refusedForMs(from: string): Promise<number> {
    return this.strikes.outForMs(networkOf(from));
  }

  /** Adds what was seen to the list. The promise never rejects. */
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

  /** Keeps a count that could not be written for the next time, together with what was seen meanwhile. */
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
