import { Inject, Injectable } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import { Orders, Registry, Sessions } from '#connection-manager';
import { Erasure } from '#message-persistence';
import { LOGGER, type Logger } from '#observability';

/** Shorter than the time after which load balancers give up on a request. */
const ANSWER_WITHIN_MS = 20_000;
const LOOK_EVERY_MS = 100;
/** A connection of an instance that hangs stays in the registry until its lease is over. */
const CLOSED_WITHIN_MS = 10_000;

export interface Erased {
  /** The erasure goes on if this is false; a request that is repeated joins it. */
  readonly isDone: boolean;
  readonly rows: number;
}

interface Running {
  /** A request to remove the sent messages counts from then on, also for an erasure that began by keeping them. */
  keepsSent: boolean;
  readonly rows: Promise<number>;
}

/** Ends what a user has open, and then erases it. It goes on though whoever asked for it does not wait. */
@Injectable()
export class Eraser {
  private readonly running = new Map<string, Running>();

  constructor(
    private readonly sessions: Sessions,
    private readonly orders: Orders,
    private readonly registry: Registry,
    private readonly erasure: Erasure,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  async erase(user: string, keepsSent: boolean): Promise<Erased> {
    const running = this.running.get(user) ?? this.begin(user, keepsSent);
    running.keepsSent &&= keepsSent;
    const timer = new AbortController();
    const tooLong = delay(ANSWER_WITHIN_MS, undefined, { signal: timer.signal }).catch(() => undefined);
    try {
      const rows = await Promise.race([running.rows, tooLong]);
      return rows === undefined ? { isDone: false, rows: 0 } : { isDone: true, rows };
    } finally {
      timer.abort();
    }
  }

  private begin(user: string, keepsSent: boolean): Running {
    const rows: Promise<number> = this.run(user, () => running.keepsSent).finally(() => this.running.delete(user));
    const running: Running = { keepsSent, rows };
    this.running.set(user, running);
    // Nobody may be waiting for it any more. The next request does what is left.
    rows.catch((error: unknown) => this.logger.warn({ err: error }, 'a user was not erased completely'));
    return running;
  }

  private async run(user: string, keepsSent: () => boolean): Promise<number> {
    await this.sessions.endAll(user, true);
    await this.orders.disconnectUser(user);
    // What a connection acknowledged is written when it closes, and must not come after the erasing.
    const endsAt = performance.now() + CLOSED_WITHIN_MS;
    while ((await this.registry.connectionsOf(user)).length > 0 && performance.now() < endsAt)
      await delay(LOOK_EVERY_MS);
    return this.erasure.erase(user, keepsSent);
  }
}
