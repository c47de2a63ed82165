import { setTimeout as delay } from 'node:timers/promises';
import type { Dice } from '../dice.js';
import type { Happening } from '../history/event.js';
import { hashOf, type Body } from './body.js';
import type { Answer, Route } from './route.js';

export interface PublisherOptions {
  readonly route: Route;
  readonly dice: Dice;
  readonly record: (happening: Happening) => void;
  /** Milliseconds from one publish to the next, on average. */
  readonly everyMs: number;
  readonly pickChannel: (dice: Dice) => string;
  /** Gives the number of the next publish of the run. */
  readonly next: () => number;
  /** If true, a refusal is taken for an answer; other publishers try until the message is stored. */
  readonly isFainthearted: boolean;
}

const RETRY_MS = { low: 30, high: 250 };
/** The shares of publishes that expire after a while, are heavy, or have their connection cut under way. */
const EXPIRING_SHARE = 0.02;
const HEAVY_SHARE = 0.02;
const CUT_SHARE = 0.002;
const TTL_MS = { low: 800, high: 4_000 };
/** The share of messages whose ttl is so long that only a wrong clock ends it. */
const LASTING_SHARE = 0.05;
const LASTING_TTL_MS = 3_600_000;
/** The share of publishes that are repeated after their answer, as if it had not reached the publisher. */
const REPEATED_SHARE = 0.02;
/** The time for which a publisher goes on trying after the end of the run. */
const PERSEVERANCE_MS = 60_000;

/**
 * Publishes one message after the other, each with its own publish id. What may have failed is repeated, on any
 * instance.
 */
export class ChaosPublisher {
  constructor(private readonly options: PublisherOptions) {}

  /** Resolves when the publish under way at the signal has an answer. */
  async run(signal: AbortSignal): Promise<void> {
    const { dice, everyMs } = this.options;
    while (!signal.aborted) {
      await delay(dice.between(0.5, 1.5) * everyMs, undefined, { signal }).catch(() => undefined);
      if (!signal.aborted) await this.publish(signal);
    }
  }

  private async publish(signal: AbortSignal): Promise<void> {
    const { dice, next, pickChannel, record, isFainthearted } = this.options;
    const n = next();
    const channel = pickChannel(dice);
    const data: Body = { n, pad: 'x'.repeat(dice.chance(HEAVY_SHARE) ? 8_000 : dice.whole(10, 400)) };
    const request = { channel, type: 'chaos', data, publishId: `chaos-${n}`, ...this.ttl() };
    let mayRepeat = dice.chance(REPEATED_SHARE);
    const patience = new Patience(signal);
    for (let attempt = 1; ; attempt++) {
      if (!(await patience.untilOpen(this.options.route))) break;
      const answer = await this.attempt(request, n, attempt);
      if (answer.outcome === 'ok' && !mayRepeat) return;
      if (answer.outcome === 'ok') mayRepeat = false;
      if (answer.outcome === 'refused' && (!answer.isRetryable || isFainthearted)) break;
      await delay(dice.between(RETRY_MS.low, RETRY_MS.high));
    }
    record({ event: 'abandon', n });
  }

  private ttl(): { ttlMs?: number } {
    const { dice } = this.options;
    if (dice.chance(EXPIRING_SHARE)) return { ttlMs: dice.whole(TTL_MS.low, TTL_MS.high) };
    return dice.chance(LASTING_SHARE) ? { ttlMs: LASTING_TTL_MS } : {};
  }

  private async attempt(
    request: { channel: string; type: string; data: Body; publishId: string; ttlMs?: number },
    n: number,
    attempt: number,
  ): Promise<Answer> {
    const { route, dice, record } = this.options;
    const { channel, data, ttlMs } = request;
    const ttl = ttlMs === undefined ? {} : { ttlMs };
    const { publisher, via } = route;
    record({ event: 'invoke', n, attempt, publisher, via, channel, hash: hashOf(data), ...ttl });
    const answering = route.attempt(request);
    if (dice.chance(CUT_SHARE)) route.cut();
    const answer = await answering;
    const { outcome, ...rest } = answer;
    record({ event: outcome, n, attempt, ...rest } as Happening);
    return answer;
  }
}

/** Decides how long a publisher tries: as long as the run lasts and a while longer. */
class Patience {
  private endsAtMs = Infinity;

  constructor(private readonly signal: AbortSignal) {}

  /**
   * Waits until the route is open.
   * @returns false if the patience has run out
   */
  async untilOpen(route: Route): Promise<boolean> {
    if (this.signal.aborted) this.endsAtMs = Math.min(this.endsAtMs, performance.now() + PERSEVERANCE_MS);
    if (performance.now() >= this.endsAtMs) return false;
    return route.whenOpen(AbortSignal.timeout(PERSEVERANCE_MS)).then(
      () => true,
      () => false,
    );
  }
}
