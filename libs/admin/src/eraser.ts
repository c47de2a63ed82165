import { Inject, Injectable } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import { InstanceCommands, Registry, Sessions } from '#connection-manager';
import { Erasure } from '#message-persistence';
import { LOGGER, type Logger } from '#observability';

/** The caller gets an answer within this time, before load balancers give up on the request. */
const ANSWER_WITHIN_MS = 20_000;
const LOOK_EVERY_MS = 100;
/**
 * The erasure waits this long for connections to close, because those of an instance that hangs stay in the registry
 * until its lease is over.
 */
const CLOSED_WITHIN_MS = 10_000;

export interface Erased {
  /** False means that the erasure goes on; a repeated request joins it. */
  readonly isDone: boolean;
  readonly rows: number;
}

interface Running {
  /** Once a request wants the sent messages removed, this is false, also for an erasure that began by keeping them. */
  keepsSent: boolean;
  readonly rows: Promise<number>;
}

/** Ends the sessions and connections of a user and then erases the user, even when whoever asked no longer waits. */
@Injectable()
export class Eraser {
  private readonly running = new Map<string, Running>();

  constructor(
    private readonly sessions: Sessions,
    private readonly commands: InstanceCommands,
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
    // A failure is logged because nobody may be waiting for it any more; the next request does what is left.
    rows.catch((error: unknown) => this.logger.warn({ err: error }, 'a user was not erased completely'));
    return running;
  }

  private async run(user: string, keepsSent: () => boolean): Promise<number> {
    await this.sessions.endAll(user, true);
    await this.commands.disconnectUser(user);
    // A connection writes what it acknowledged when it closes, which must not happen after the erasure.
    const endsAt = performance.now() + CLOSED_WITHIN_MS;
    while ((await this.registry.connectionsOf(user)).length > 0 && performance.now() < endsAt)
      await delay(LOOK_EVERY_MS);
    return this.erasure.erase(user, keepsSent);
  }
}
