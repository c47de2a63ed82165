import { setTimeout as delay } from 'node:timers/promises';
import { withRetry, type Database } from '#database';
import { lockKeyOf } from './instance-id.js';
import { BEAT, GREET, IS_LOCKED } from './sql/beat.sql.js';
import { REMOVE_SELF } from './sql/find-dead.sql.js';

export interface LeaseOptions {
  readonly instanceId: string;
  readonly leaseMs: number;
  readonly beatMs: number;
  /** True while this instance's LISTEN connection holds its advisory lock. */
  readonly holdsLock: () => boolean;
  /** The row was missing though it had been written: the registry has to be written again. */
  readonly onRowMissing: () => Promise<void>;
  readonly onError: (error: unknown) => void;
}

/** Greetings may be forged: this bounds what they cost. */
const GREETING_PAUSE_MS = 200;

export class InstanceIdInUseError extends Error {
  constructor(instanceId: string) {
    super(`INSTANCE_ID ${instanceId} belongs to an instance that is alive; give each process its own, or none`);
    this.name = 'InstanceIdInUseError';
  }
}

/** This instance's row in `instances`, renewed by beats for as long as it lives. */
export class Lease {
  private timer: NodeJS.Timeout | undefined;
  private beating: Promise<void> | undefined;
  private greeting: NodeJS.Timeout | undefined;
  private wasWritten = false;
  private wasGreetedAgain = false;
  private renewedAt = -Infinity;
  private isStopped = false;
  isDraining = false;
  /** Other instances at the last beat. */
  peers = 0;

  constructor(
    private readonly database: Database,
    private readonly options: LeaseOptions,
  ) {}

  get isHeld(): boolean {
    return performance.now() - this.renewedAt < this.options.leaseMs;
  }

  /** @throws InstanceIdInUseError if a living process holds this id, also after the time a dying one needs */
  async assertIdIsFree(): Promise<void> {
    const key = lockKeyOf(this.options.instanceId);
    for (let attempt = 1; attempt <= 10; attempt++) {
      const [row] = await withRetry(() => this.database.rows('beat', IS_LOCKED, [key]), { deadlineMs: 5_000 });
      if (!row?.is_locked) return;
      await delay(200);
    }
    throw new InstanceIdInUseError(this.options.instanceId);
  }

  async start(): Promise<void> {
    await withRetry(() => this.renew(), { deadlineMs: 10_000 });
    await this.database.rows('wake', GREET, [this.options.instanceId]);
    this.schedule();
  }

  /** Somebody says that a peer has appeared: renews now, and once more for those who say so within the pause. */
  greeted(): void {
    if (this.isStopped) return;
    if (this.greeting) {
      this.wasGreetedAgain = true;
      return;
    }
    // One that is under way may have looked too early.
    void Promise.resolve(this.beating).then(() => this.beat());
    this.greeting = setTimeout(() => {
      this.greeting = undefined;
      if (!this.wasGreetedAgain) return;
      this.wasGreetedAgain = false;
      this.greeted();
    }, GREETING_PAUSE_MS);
  }

  /** Renews now: a peer has appeared, or the drain began. */
  async beat(): Promise<void> {
    this.beating ??= this.renew()
      .catch((error: unknown) => this.options.onError(error))
      .finally(() => (this.beating = undefined));
    await this.beating;
  }

  /** After the lock was taken again; before the start nobody needs to know of it. */
  async beatIfStarted(): Promise<void> {
    if (this.wasWritten) await this.beat();
  }

  /** Removes this instance's rows. */
  async stop(): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.timer);
    clearTimeout(this.greeting);
    await this.beating;
    await withRetry(() => this.database.rows('beat', REMOVE_SELF, [this.options.instanceId]), { deadlineMs: 2_000 });
  }

  private schedule(): void {
    if (this.isStopped) return;
    this.timer = setTimeout(() => void this.beat().finally(() => this.schedule()), this.options.beatMs);
  }

  private async renew(): Promise<void> {
    const { instanceId, leaseMs, holdsLock, onRowMissing } = this.options;
    const lockKey = holdsLock() ? lockKeyOf(instanceId) : null;
    const [row] = await this.database.rows('beat', BEAT, [instanceId, leaseMs, this.isDraining, lockKey]);
    this.renewedAt = performance.now();
    this.peers = row?.peers ?? 0;
    const isMissing = row?.is_new === true && this.wasWritten;
    this.wasWritten = true;
    if (isMissing) await onRowMissing();
  }
}
