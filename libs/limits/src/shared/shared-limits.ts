import type { Settings } from '#config';
import { withRetry, type Database } from '#database';
import type { Meter } from '#observability';
import { countLimited } from '../count-limited.js';
import { END_SHARES } from './sql/end-shares.sql.js';
import { FORGET_SHARES } from './sql/forget-shares.sql.js';
import { ClusterConnections } from './cluster-connections.js';
import { ShareLeases } from './share-leases.js';
import { Reach } from './reach.js';
import { SharedPlaces } from './shared-places.js';
import { SharedRate } from './shared-rate.js';

export type SharedLimitsOptions = Settings['sharedLimits'] & {
  readonly instanceId: string;
  /** Returns how many instances share the limits, this one included, as far as this one knows. */
  readonly instances: () => number;
  readonly beatMs: number;
  readonly onError: (error: unknown) => void;
};

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
/** How long spare places are held ready: a client that is told that there is none comes back within 5 s. */
const KEEP_MS = 5_000;
const STOP_DEADLINE_MS = 1_000;

/** The limits that hold for all instances together. Each instance counts by itself, up to the share that it has leased. */
export class SharedLimits {
  /** The rate of publishes by socket, with the user as the key. */
  readonly publishes: SharedRate;
  /** The rate of publishes by REST, with the name of the API key as the key. */
  readonly keyPublishes: SharedRate;
  /** The rate of logins, with the user as the key. */
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
    const leases = new ShareLeases(database, instanceId, instances);
    const limited = countLimited(meter);
    const context = { instances, onError, reach: new Reach(), now: () => performance.now() };
    const rate = (name: string, limit: number, windowMs: number): SharedRate => {
      const lease: ShareLeases['rate'] = (ask) => leases.rate(ask);
      return new SharedRate({ ...context, name, limit, windowMs, lease }, () => limited.inc(name));
    };
    const places = (name: string, limit: number, keepMs: number): SharedPlaces => {
      const lease: ShareLeases['place'] = (ask) => leases.place(ask);
      const more = { keepMs, settleMs: 2 * beatMs, random: Math.random };
      return new SharedPlaces({ ...context, ...more, name, limit, lease }, () => limited.inc(name));
    };
    this.publishes = rate('user-publishes', options.publishesPerUserPerS, SECOND_MS);
    this.keyPublishes = rate('key-publishes', options.publishesPerKeyPerS, SECOND_MS);
    this.logins = rate('logins', options.loginsPerUserPerMin, MINUTE_MS);
    this.rates = [this.publishes, this.keyPublishes, this.logins];
    const all = places('cluster-connections', options.connections, KEEP_MS);
    // An instance leases exactly what a user needs: places held ready would be missing where the user connects next.
    const users = places('user-cluster-connections', options.connectionsPerUser, 0);
    this.places = [all, users];
    this.connections = new ClusterConnections(all, users);
  }

  /** To be called once this instance is registered. Ends the shares that an earlier process with its id held. */
  async start(): Promise<void> {
    await this.end(10_000);
    this.tidying = setInterval(() => this.places.forEach((places) => places.tidy()), SECOND_MS);
    this.forgetting = setInterval(() => this.forget(), MINUTE_MS);
  }

  /** To be called after PostgreSQL has emptied its UNLOGGED tables. Writes down again the places that are in use. */
  rebuild(): void {
    for (const places of this.places) places.rebuild();
  }

  async stop(): Promise<void> {
    if (this.tidying === undefined) return;
    clearInterval(this.tidying);
    clearInterval(this.forgetting);
    this.tidying = undefined;
    // If this fails, the shares end by themselves, only later.
    await this.end(STOP_DEADLINE_MS).catch(this.options.onError);
  }

  private async end(deadlineMs: number): Promise<void> {
    await withRetry(() => this.database.rows(END_SHARES, [this.options.instanceId]), { deadlineMs });
  }

  private forget(): void {
    for (const rate of this.rates) rate.sweep();
    this.database.rows(FORGET_SHARES).catch(this.options.onError);
  }
}
