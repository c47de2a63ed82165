import { BackEnd } from './back-end.js';
import { ExperienceLedger, type Experience } from './experience-ledger.js';
import { HonestUser } from './honest-user.js';
import { Newcomers } from './newcomers.js';

const USERS = 10;
const PUBLISH_EVERY_MS = 200;
const NEWCOMER_EVERY_MS = 1_000;
const REST_EVERY_MS = 500;
const TICK_MS = 10;

/**
 * The canary: ten honest users, each of whom publishes to the next one five times a second, a newcomer every second and
 * a back end. Whatever is done to the instance, they must hardly notice.
 */
export class HonestUsers {
  private ledger = new ExperienceLedger();
  private readonly users: HonestUser[];
  private readonly visits = new Set<Promise<void>>();
  private isOver = false;
  private singing: Promise<void> = Promise.resolve();

  constructor(private readonly url: string) {
    const ledger = (): ExperienceLedger => this.ledger;
    this.users = Array.from({ length: USERS }, (_, n) => new HonestUser(url, `canary-${n}`, ledger));
    this.users.forEach((user, n) => user.befriend(this.users[(n + 1) % USERS] ?? user));
  }

  async enter(): Promise<void> {
    await Promise.all(this.users.map((user) => user.whenReady()));
    this.singing = this.sing();
  }

  /**
   * Begins another phase.
   * @returns a function that tells what the last phase was like, including answers that come later
   */
  turnPage(): () => Experience {
    const { ledger } = this;
    this.ledger = new ExperienceLedger();
    return () => ledger.experience;
  }

  /** Ends the publishing, and waits for what is still to come. Whatever does not come counts as refused. */
  async settle(deadlineMs: number): Promise<void> {
    this.isOver = true;
    await this.singing;
    const missing = await Promise.all(this.users.map((user) => user.settle(deadlineMs)));
    for (const count of missing) for (let n = 0; n < count; n++) this.ledger.refuse('publish: never delivered');
    await Promise.all(this.visits);
  }

  leave(): void {
    this.isOver = true;
    for (const user of this.users) user.leave();
  }

  private async sing(): Promise<void> {
    const startedAt = performance.now();
    const ledger = (): ExperienceLedger => this.ledger;
    const newcomers = new Newcomers(this.url, ledger);
    const backEnd = new BackEnd(this.url, ledger);
    const due = [
      ...this.users.map((user, n) => ({
        at: startedAt + (n * PUBLISH_EVERY_MS) / USERS,
        every: PUBLISH_EVERY_MS,
        act: (at: number) => user.publish(at),
      })),
      { at: startedAt, every: NEWCOMER_EVERY_MS, act: () => this.visit(newcomers.come()) },
      { at: startedAt, every: REST_EVERY_MS, act: () => this.visit(backEnd.publish()) },
    ];
    while (!this.isOver) {
      for (const task of due) {
        if (task.at > performance.now()) continue;
        task.act(task.at);
        task.at += task.every;
      }
      await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    }
  }

  private visit(visit: Promise<void>): void {
    this.visits.add(visit);
    void visit.then(() => this.visits.delete(visit));
  }
}
