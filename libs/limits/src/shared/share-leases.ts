import { Batcher, plainArray, textArray, withRetry, type Database } from '#database';
import { LEASE_PLACES } from './sql/lease-places.sql.js';
import { LEASE_RATES } from './sql/lease-rates.sql.js';
import type { PlaceAsk } from './place-share.js';
import { SLACK_MS, type RateAsk } from './shared-rate-options.js';

const MAX_KEYS = 500;
/** Asks that come within this time share a statement. One that comes alone does not wait. */
const PACE_MS = 20;
/** How long a failing statement is retried, which is less than any caller waits. */
const DEADLINE_MS = 1_000;

/** Leases shares of the limits from PostgreSQL. Asks that come at once, for up to 500 keys, are one statement. */
export class ShareLeases {
  private readonly rates: Batcher<() => RateAsk, number>;
  private readonly places: Batcher<() => PlaceAsk, number | null>;

  constructor(
    private readonly database: Database,
    private readonly instanceId: string,
    private readonly instances: () => number,
  ) {
    const batched = { maxItems: MAX_KEYS, paceMs: () => PACE_MS };
    this.rates = new Batcher({ ...batched, run: (asks) => patiently(() => this.leaseRates(asks)) });
    this.places = new Batcher({ ...batched, run: (asks) => patiently(() => this.leasePlaces(asks)) });
  }

  /** @returns how many the instance may accept per window, which may be a fraction */
  rate(ask: () => RateAsk): Promise<number> {
    return this.rates.add(ask);
  }

  /** @returns how many places the instance has now, or null as in `SharedPlacesOptions.lease` */
  place(ask: () => PlaceAsk): Promise<number | null> {
    return this.places.add(ask);
  }

  private async leaseRates(asks: readonly (() => RateAsk)[]): Promise<number[]> {
    const items = asks.map((ask) => ask());
    const [row] = await this.database.rows('work', LEASE_RATES, [
      this.instanceId,
      textArray(items.map(({ key }) => key)),
      plainArray(items.map(({ most }) => most)),
      plainArray(items.map(({ windowMs }) => windowMs)),
      plainArray(items.map(({ needed }) => needed)),
      plainArray(items.map(({ wanted }) => wanted)),
      plainArray(items.map(({ holdMs }) => holdMs)),
      SLACK_MS,
    ]);
    return row?.shares ?? [];
  }

  private async leasePlaces(asks: readonly (() => PlaceAsk)[]): Promise<(number | null)[]> {
    const items = asks.map((ask) => ask());
    const [row] = await this.database.rows('work', LEASE_PLACES, [
      this.instanceId,
      textArray(items.map(({ key }) => key)),
      plainArray(items.map(({ most }) => most)),
      plainArray(items.map(({ used }) => used)),
      plainArray(items.map(({ needed }) => needed)),
      plainArray(items.map(({ spare }) => spare)),
      this.instances(),
    ]);
    return row?.shares ?? [];
  }
}

function patiently<T>(work: () => Promise<T>): Promise<T> {
  return withRetry(work, { deadlineMs: DEADLINE_MS });
}
