import { RateLimiterMemory } from 'rate-limiter-flexible';

const WINDOW_S = 60;

/**
 * How often an address was suspicious lately. One that was more often than it may be within a minute is out for a minute.
 * Kept in memory, per instance; a minute after its last strike nothing is known of it any more.
 */
export class Strikes {
  private readonly limiter: RateLimiterMemory | undefined;

  /** @param perMinute 0: nobody is ever out */
  constructor(perMinute: number) {
    if (perMinute === 0) return;
    this.limiter = new RateLimiterMemory({ points: perMinute, duration: WINDOW_S, blockDuration: WINDOW_S });
  }

  add(address: string): void {
    // It rejects when the address is out, which {@link outForMs} tells to whoever wants to know.
    this.limiter?.consume(address).catch(() => undefined);
  }

  /** @returns how long the address is out, in milliseconds; 0: it is not */
  async outForMs(address: string): Promise<number> {
    const found = await this.limiter?.get(address);
    if (!this.limiter || !found || found.consumedPoints <= this.limiter.points) return 0;
    return Math.max(1, found.msBeforeNext);
  }
}
