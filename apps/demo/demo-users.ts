import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { signToken } from '#auth';
import { Guest, type GuestSettings } from './guest.js';
import type { ReplayPlan } from './replay-plan.js';

const TOKEN_TTL_MS = 24 * 3_600_000;
/** The number of users away at the end who connect at a time. */
const RETURNING_TOGETHER = 32;
const STALLED_AFTER_MS = 60_000;
const POLL_MS = 50;
/** Time in which a message that should not come would arrive nevertheless. */
const SETTLE_MS = 500;

/** The clients of all users of the log. */
export class DemoUsers {
  private constructor(
    readonly guests: ReadonlyMap<string, Guest>,
    private readonly receipts: () => number,
  ) {}

  static invite(
    { users, group }: ReplayPlan,
    jwtSecret: string,
    settings: Pick<GuestSettings, 'ledger' | 'pickUrl' | 'onGap'>,
  ): DemoUsers {
    const runId = randomBytes(8).toString('hex');
    const grants = [`join:${group}`, 'publish:user:*'];
    const guests = new Map<string, Guest>();
    for (const user of users) {
      const token = signToken(jwtSecret, { user, grants, ttlMs: TOKEN_TTL_MS });
      guests.set(user, new Guest({ ...settings, user, token, group, runId }));
    }
    return new DemoUsers(guests, () => settings.ledger.receipts);
  }

  get online(): number {
    return this.count(({ client }) => Number(client.isOnline));
  }

  get reconnects(): number {
    return this.count(({ client }) => client.reconnects);
  }

  get repeats(): number {
    return this.count(({ client }) => client.reader.repeats);
  }

  async bringBackTheAbsent(): Promise<void> {
    const absent = [...this.guests.values()].filter(({ isHere }) => !isHere);
    const returnOneByOne = async (): Promise<void> => {
      for (let guest = absent.pop(); guest; guest = absent.pop()) await guest.arrive();
    };
    await Promise.all(Array.from({ length: RETURNING_TOGETHER }, returnOneByOne));
  }

  /**
   * Waits until every user has all messages, or until none has come for a minute; the ledger then says what is missing.
   */
  async untilAllHaveEverything(signal: AbortSignal): Promise<void> {
    let receipts = this.receipts();
    let progressAt = performance.now();
    while (this.waiting > 0 && performance.now() - progressAt < STALLED_AFTER_MS) {
      await sleep(POLL_MS, undefined, { signal });
      if (this.receipts() > receipts) progressAt = performance.now();
      receipts = this.receipts();
    }
    await sleep(SETTLE_MS, undefined, { signal });
  }

  get waiting(): number {
    return this.count((guest) => Number(!guest.hasEverything()));
  }

  leave(): void {
    for (const guest of this.guests.values()) guest.depart();
  }

  private count(figure: (guest: Guest) => number): number {
    let sum = 0;
    for (const guest of this.guests.values()) sum += figure(guest);
    return sum;
  }
}
