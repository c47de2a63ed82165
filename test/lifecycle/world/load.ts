import { setTimeout as delay } from 'node:timers/promises';
import type { Member } from './member.js';

export interface InboxLoadOptions {
  readonly members: readonly Member[];
  /** The rate of all clients together, while nothing is in the way. */
  readonly perSecond: number;
}

/** Lets clients publish to one another's inboxes at a rate. Each publish is repeated until it is acknowledged. */
export class InboxLoad {
  /** The acknowledged bodies by inbox. */
  readonly acknowledged = new Map<string, string[]>();
  attempted = 0;
  private isStopped = false;
  private readonly underWay = new Set<Promise<void>>();
  private readonly running: Promise<void>;

  constructor(private readonly options: InboxLoadOptions) {
    this.running = this.run();
  }

  get acknowledgedCount(): number {
    return [...this.acknowledged.values()].reduce((sum, bodies) => sum + bodies.length, 0);
  }

  /** Counts the bodies that were acknowledged and not received by the client they were for. */
  get missing(): number {
    return this.options.members.reduce((sum, { inbox, bodies }) => {
      const sent = this.acknowledged.get(inbox) ?? [];
      return sum + sent.filter((body) => !bodies.has(body)).length;
    }, 0);
  }

  /** Stops publishing, and resolves when every publish has an answer. */
  async stop(): Promise<void> {
    this.isStopped = true;
    await this.running;
    await Promise.all(this.underWay);
  }

  private async run(): Promise<void> {
    const startedAt = performance.now();
    while (!this.isStopped) {
      const due = ((performance.now() - startedAt) / 1_000) * this.options.perSecond;
      while (this.attempted < due) this.publish();
      await delay(5);
    }
  }

  private publish(): void {
    const { members } = this.options;
    this.attempted += 1;
    const body = `note ${this.attempted}`;
    const author = pick(members);
    const { inbox } = pick(members);
    const publish = author.publish(inbox, body).then(() => {
      this.acknowledged.set(inbox, [...(this.acknowledged.get(inbox) ?? []), body]);
    });
    this.underWay.add(publish);
    // A publish that was refused as not retryable stays under way, so that stop() throws its error.
    publish.then(
      () => this.underWay.delete(publish),
      () => undefined,
    );
  }
}

function pick<T>(items: readonly T[]): T {
  return items[Math.floor(Math.random() * items.length)] as T;
}
