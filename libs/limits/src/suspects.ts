import type { Database } from '#database';
import type { Counts, Meter } from '#observability';
import { networkOf } from './network-of.js';
import { FORGET_SUSPECTS, LIST_SUSPECTS, NOTE_SUSPECTS, type SuspectRow } from './sql/suspects.sql.js';
import { Strikes } from './strikes.js';
import type { Suspicion, Suspicions } from './suspicions.js';

export interface SuspectsOptions {
  /** How often an address may be suspicious in a minute before what fails of it is refused at once; 0: any number. */
  readonly perMinute: number;
  readonly meter: Meter;
  readonly onError: (error: unknown) => void;
}

/** Seen since the last time it was written down. */
interface Sighting {
  readonly address: string;
  readonly reason: Suspicion;
  count: number;
  readonly firstMs: number;
  lastMs: number;
}

const WRITE_EVERY_MS = 3_000;
/** Addresses and reasons between two writes. An attack from more addresses than that is counted under {@link OTHERS}. */
const MAX_SIGHTINGS = 2_000;
const OTHERS = 'others';
const KEEP_HOURS = 24;
const KEEP_ROWS = 10_000;

/** The place before the first row: nothing was seen later than that. */
export const FIRST_SUSPECT = [Number.MAX_SAFE_INTEGER, '', ''] as const;

/**
 * Who behaves as no honest client does, by address and reason: counted in memory, and every few seconds added in one
 * statement to a table that all instances share. What cannot be written waits for the next time.
 */
export class Suspects implements Suspicions {
  private sightings = new Map<string, Sighting>();
  private readonly strikes: Strikes;
  private readonly counts: Counts<Suspicion>;
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> | undefined;

  constructor(
    private readonly database: Database,
    private readonly options: SuspectsOptions,
  ) {
    this.strikes = new Strikes(options.perMinute);
    this.counts = options.meter.counters(
      {
        name: 'trunkline_suspicions_total',
        help: 'What clients did that honest ones rarely do, by reason',
        label: 'reason',
      },
      ['wrong-key', 'refused-token', 'flood', 'half-open'],
    );
  }

  start(): void {
    this.timer = setInterval(() => void this.write(), WRITE_EVERY_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.write();
  }

  note(from: string, reason: Suspicion): void {
    const address = networkOf(from);
    this.counts.inc(reason);
    const sighting = this.sighting(address, reason);
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

  /** Those seen last come first. @param after the place of the last row before, or {@link FIRST_SUSPECT} */
  list(after: readonly [lastUs: number, address: string, reason: string], limit: number): Promise<SuspectRow[]> {
    return this.database.rows('work', LIST_SUSPECTS, [...after, limit]);
  }

  /** Removes those not seen for a day. @returns how many */
  async forget(isDryRun: boolean): Promise<number> {
    const ending = isDryRun ? 'rollback' : 'commit';
    const values = [KEEP_HOURS, KEEP_ROWS];
    const removed = await this.database.transaction((rows) => rows(FORGET_SUSPECTS, values), { pool: 'jobs', ending });
    return removed.length;
  }

  private sighting(address: string, reason: Suspicion): Sighting {
    const known = this.sightings.get(`${address} ${reason}`);
    if (known) return known;
    if (this.sightings.size >= MAX_SIGHTINGS && address !== OTHERS) return this.sighting(OTHERS, reason);
    const nowMs = performance.now();
    const sighting = { address, reason, count: 0, firstMs: nowMs, lastMs: nowMs };
    this.sightings.set(`${address} ${reason}`, sighting);
    return sighting;
  }

  private async writeDown(): Promise<void> {
    const seen = this.sightings;
    if (seen.size === 0) return;
    this.sightings = new Map();
    try {
      await this.database.rows('work', NOTE_SUSPECTS, columnsOf(seen));
    } catch (error) {
      this.options.onError(error);
      for (const sighting of seen.values()) this.putBack(sighting);
    }
  }

  private putBack({ address, reason, count }: Sighting): void {
    this.sighting(address, reason).count += count;
  }
}

function columnsOf(seen: ReadonlyMap<string, Sighting>): unknown[][] {
  const nowMs = performance.now();
  const sorted = [...seen].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, sighting]) => sighting);
  return [
    sorted.map(({ address }) => address),
    sorted.map(({ reason }) => reason),
    sorted.map(({ count }) => count),
    sorted.map(({ firstMs }) => nowMs - firstMs),
    sorted.map(({ lastMs }) => nowMs - lastMs),
  ];
}
