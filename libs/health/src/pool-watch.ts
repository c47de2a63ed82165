import type { PoolName, PoolUse } from '#database';

/** Callers that wait for a moment are a peak; callers that wait for this long mean that the pool is too small. */
const SHORT_MS = 10_000;

/** Watches which pools have had waiting callers at each look, and since when. */
export class PoolWatch {
  private readonly shortSinceMs = new Map<PoolName, number>();

  constructor(
    private readonly uses: () => Readonly<Record<PoolName, PoolUse>>,
    private readonly now: () => number = () => performance.now(),
  ) {}

  look(): void {
    for (const [pool, { waiting }] of entries(this.uses())) {
      if (waiting === 0) this.shortSinceMs.delete(pool);
      else if (!this.shortSinceMs.has(pool)) this.shortSinceMs.set(pool, this.now());
    }
  }

  get short(): PoolName[] {
    return [...this.shortSinceMs].filter(([, sinceMs]) => this.now() - sinceMs >= SHORT_MS).map(([pool]) => pool);
  }

  /** Shows for each pool the connections at work of those there may be, for example `2/4`. */
  get busy(): Record<string, string> {
    return Object.fromEntries(entries(this.uses()).map(([pool, { busy, max }]) => [pool, `${busy}/${max}`]));
  }
}

function entries(uses: Readonly<Record<PoolName, PoolUse>>): [PoolName, PoolUse][] {
  return Object.entries(uses) as [PoolName, PoolUse][];
}
