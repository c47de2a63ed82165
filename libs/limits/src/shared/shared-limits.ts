import { withRetry, type Database } from '#database';
import type { Meter } from '#observability';
import { countLimited } from '../count-limited.js';
import { END_SHARES } from '../sql/end-shares.sql.js';
import { FORGET_SHARES } from '../sql/forget-shares.sql.js';
import { ClusterConnections } from './cluster-connections.js';
import { Leases } from './leases.js';
import { Reach } from './reach.js';
import { SharedPlaces } from './shared-places.js';
import { SharedRate } from './shared-rate.js';

export interface SharedLimitsOptions {
  readonly instanceId: string;
  /** How many instances share the limits, this one included, as far as is known. */
  readonly instances: () => number;
  readonly beatMs: number;
  /** 0: any number; so below. */
  readonly publishesPerUserPerS: number;
  readonly publishesPerKeyPerS: number;
  readonly loginsPerUserPerMin: number;
  readonly connections: number;
  readonly connectionsPerUser: number;
  readonly onError: (error: unknown) => void;
}

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
/** Spare places are kept so long: who is told that there is none comes back within 5 s. */
const KEEP_MS = 5_000;
const STOP_DEADLINE_MS = 1_000;

/** The limits that hold for all instances together. Each instance counts by itself, up to the share that it has leased. */
export class SharedLimits {
  /** By user. */
  readonly publishes: SharedRate;
  /** By the name of the API key. */
  readonly keyPublishes: SharedRate;
  /** By user. */
  readonly logins: SharedRate;
  readonly connections: ClusterConnections;
  private readonly places: readonly SharedPlaces[];
  private readonly rates: readonly SharedRate[];
  private tidying: NodeJS.Timeout | undefined;
  private forgetting: NodeJS.Timeout | undefined;

  constructor(
    private readonly database: Database,
    meter: Meter,
    private readonly options: SharedLimitsOptions,
  ) {
    const { instanceId, instances, onError, beatMs } = options;
    const leases = new Leases(database, instanceId, instances);
    const limited = countLimited(meter);
    const context = { instances, onError, reach: new Reach(), now: () => performance.now() };
    const rate = (name: string, limit: number, windowMs: number): SharedRate => {
      const lease: Leases['rate'] = (ask) => leases.rate(ask);
      return new SharedRate({ ...context, name, limit, windowMs, lease }, () => limited.inc(name));
    };
    const places = (name: string, limit: number, keepMs: number): SharedPlaces => {
      const lease: Leases['place'] = (ask) => leases.place(ask);
      const more = { keepMs, settleMs: 2 * beatMs, random: Math.random };
      return new SharedPlaces({ ...context, ...more, name, limit, lease }, () => limited.inc(name));
    };
    this.publishes = rate('user-publishes', options.publishesPerUserPerS, SECOND_MS);
    this.keyPublishes = rate('key-publishes', options.publishesPerKeyPerS, SECOND_MS);
    this.logins = rate('logins', options.loginsPerUserPerMin, MINUTE_MS);
    this.rates = [this.publishes, this.keyPublishes, this.logins];
    const all = places('cluster-connections', options.connections, KEEP_MS);
    // Exactly what a user needs: what one instance kept at hand would be missing where the user comes next.
    const users = places('user-cluster-connections', options.connectionsPerUser, 0);
    this.places = [all, users];
    this.connections = new ClusterConnections(all, users);
  }

  /** Once this instance is registered. What an earlier process of its id held is over. */
  async start(): Promise<void> {
    await this.end(10_000);
    this.tidying = setInterval(() => this.places.forEach((places) => places.tidy()), SECOND_MS);
    this.forgetting = setInterval(() => this.forget(), MINUTE_MS);
  }

  /** After PostgreSQL has emptied its UNLOGGED tables. */
  rebuild(): void {
    for (const places of this.places) places.rebuild();
  }

  async stop(): Promise<void> {
    if (this.tidying === undefined) return;
    clearInterval(this.tidying);
    clearInterval(this.forgetting);
    this.tidying = undefined;
    // What it holds ends by itself, too, only later.
    await this.end(STOP_DEADLINE_MS).catch(this.options.onError);
  }

  private async end(deadlineMs: number): Promise<void> {
    await withRetry(() => this.database.rows('work', END_SHARES, [this.options.instanceId]), { deadlineMs });
  }

  private forget(): void {
    for (const rate of this.rates) rate.sweep();
    this.database.rows('work', FORGET_SHARES).catch(this.options.onError);
  }
}
