import type { Devices, Entry, MessageLog } from '#message-persistence';
import type { Feed } from '../live/feed.js';
import type { Subscription } from './subscription.js';

/**
 * Brings a lagging subscription to the end of its channel, page by page as the window of its connection has room, and
 * then makes it live. What was not read yet waits in the table, not in memory.
 */
export class CatchUp {
  constructor(
    private readonly log: MessageLog,
    private readonly devices: Pick<Devices, 'positions'>,
    private readonly feed: Feed,
    private readonly onError: (error: unknown) => void,
  ) {}

  /** Reads on if the subscription may. This is called again whenever there may be room, so a failure only delays. */
  async run(subscription: Subscription): Promise<void> {
    if (!subscription.beginReading()) return;
    try {
      while (subscription.mayRead(performance.now()) && (await this.readPage(subscription)));
    } catch (error) {
      this.onError(error);
    } finally {
      subscription.endReading();
    }
  }

  /** Claims the messages that only one device of the user gets; those that another device has claimed become gaps. */
  private async claim(subscription: Subscription, entries: readonly Entry[]): Promise<readonly Entry[]> {
    const seqs = entries.filter((entry) => subscription.mustClaim(entry)).map(({ seq }) => seq);
    if (seqs.length === 0) return entries;
    const own = await this.log.claim(subscription.channel.name, seqs, subscription.connection.key);
    subscription.gotClaims(own);
    return entries.map((entry) =>
      subscription.mustClaim(entry) ? { kind: 'gap', fromSeq: entry.seq, seq: entry.seq, reason: 'taken' } : entry,
    );
  }

  private async findPosition(subscription: Subscription): Promise<void> {
    const { connection, channel } = subscription;
    const [position] = await this.devices.positions(connection.key, [channel.name]);
    if (position) subscription.passRepeated(position.seq);
  }

  /** Reads one page and sends what fits. @returns true if there is more to read and the subscription may go on */
  private async readPage(subscription: Subscription): Promise<boolean> {
    if (subscription.isRepeating) await this.findPosition(subscription);
    const { channel, sentSeq, since } = subscription;
    const page = await this.log.readPage({ channel: channel.name, fromSeq: sentSeq, since, epoch: channel.epoch });
    if (!isLagging(subscription)) return false;
    const entries = await this.claim(subscription, page?.entries ?? []);
    if (!isLagging(subscription)) return false;
    const now = performance.now();
    if (page && !subscription.takePage(entries, page.since, now)) return subscription.mayRead(now);
    if (page && page.seq < page.lastSeq) return true;
    const admitted = channel.admit(subscription);
    if (admitted === 'unread') this.feed.readOn(channel);
    return admitted === 'behind';
  }
}

/** This is a function, because the state may change while a read is awaited. */
function isLagging(subscription: Subscription): boolean {
  return subscription.state === 'lagging';
}
