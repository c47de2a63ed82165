import { RateLimiterMemory } from 'rate-limiter-flexible';

const WINDOW_S = 60;

/**
 * Counts how often each address was suspicious lately. An address with more strikes within a minute than it may have is
 * out for a minute. Counts are kept in memory, per instance, for at most a minute after the last strike.
 */
export class Strikes {
  private readonly limiter: RateLimiterMemory | undefined;

  /** @param perMinute how many strikes an address may have; 0 means that no address is ever out */
  constructor(perMinute: number) {
    if (perMinute === 0) return;
    this.limiter = new RateLimiterMemory({ points: perMinute, duration: WINDOW_S, blockDuration: WINDOW_S });
  }

  add(address: string): void {
    // The promise rejects when the address is out, which callers learn from {@link outForMs}.
    this.limiter?.consume(address).catch(() => undefined);
  }

  /** @returns for how many more milliseconds the address is out; 0 means that it is not */
  async outForMs(address: string): Promise<number> {
    const found = await this.limiter?.get(address);
    if (!this.limiter || !found || found.consumedPoints <= this.limiter.points) return 0;
    return Math.max(1, found.msBeforeNext);
  }
}
