import { setTimeout as delay } from 'node:timers/promises';
import type { ChannelPage, Entry, MessageLog, PageRequest, StoredMessage } from '#message-persistence';
import type { DatabaseClock } from '../database-clock.js';
import type { DeliveryMetrics } from '../delivery-metrics.js';
import { LiveChannel, type LiveReader } from './live-channel.js';

export interface FeedOptions {
  readonly log: MessageLog;
  readonly clock: DatabaseClock;
  /** Called when a channel gets its first subscription on this instance or loses its last one. */
  readonly onRoute: (channel: string, isOpen: boolean) => void;
  /** Called when a changed epoch of an inbox shows that the group memberships of its user have changed. */
  readonly onEpoch: (channel: LiveChannel, epoch: number) => void;
  readonly onError: (error: unknown) => void;
  readonly metrics: DeliveryMetrics;
  /** Called when something new was handed to live readers, with the time of its publish by performance.now(). */
  readonly onDelivery: (publishedAtMs: number) => void;
}

/** If more reads than this in a row find nothing, the hints are forged, or are about what was read already. */
const FREE_EMPTY_READS = 5;
/**
 * The pause before each further read: a flood of hints costs at most twenty reads a second of a channel, and a true
 * hint among them is late by this much.
 */
const EMPTY_READ_PAUSE_MS = 50;

/**
 * The feed reads each live channel once for all its readers on this instance. A hint, the poll or a new LISTEN makes it
 * read on from the position of the channel. Reads requested in one turn of the event loop share one statement.
 */
export class Feed {
  private readonly channels = new Map<string, LiveChannel>();
  private sampled = 0;

  constructor(private readonly options: FeedOptions) {}

  get size(): number {
    return this.channels.size;
  }

  find(name: string): LiveChannel | undefined {
    return this.channels.get(name);
  }

  /**
   * Returns the channel, opened if nobody read it yet. The caller must add a subscription before it awaits anything.
   */
  channel(name: string): LiveChannel {
    let channel = this.channels.get(name);
    if (!channel) {
      channel = new LiveChannel(name);
      this.channels.set(name, channel);
      this.options.onRoute(name, true);
    }
    return channel;
  }

  detach(reader: LiveReader): void {
    const { channel } = reader;
    if (!channel.detach(reader) || channel.readerCount > 0) return;
    if (this.channels.delete(channel.name)) this.options.onRoute(channel.name, false);
  }

  /** Handles a hint that these channels have news. It may be forged, so only channels with readers here are read. */
  hint(names: readonly string[]): void {
    for (const name of names) {
      const channel = this.channels.get(name);
      if (channel) this.readOn(channel);
    }
  }

  /** Pushes a message that this instance has appended, and reads the channel only if something before it is missing. */
  offer(name: string, makeStored: () => StoredMessage, createdAt: Date, publishedAtMs?: number): void {
    const channel = this.channels.get(name);
    if (!channel) return;
    if (channel.isAsleep) channel.noteHint();
    else if (!channel.offer(makeStored(), createdAt, performance.now())) this.readOn(channel);
    else if (publishedAtMs !== undefined) this.options.onDelivery(publishedAtMs);
  }

  /**
   * Looks at every live channel in one statement.
   * @returns how many of the messages it found are older than `lateMs`, so that a hint should have announced them
   * before
   */
  async poll(lateMs: number): Promise<number> {
    const channels = [...this.channels.values()].filter(
      (channel) => !channel.isReading && (!channel.isAsleep || isInbox(channel)),
    );
    if (channels.length === 0) return 0;
    const pages = await this.options.log.poll(channels.map((channel) => channel.request));
    let late = 0;
    pages.forEach((page, index) => {
      const channel = channels[index];
      if (!page || !channel) return;
      if (!channel.isAsleep) late += countLate(page, channel.position ?? 0, lateMs);
      this.take(channel, page);
    });
    if (lateMs < Infinity) this.options.metrics.late.inc(late);
    return late;
  }

  /** Returns the positions of some live channels, of others at each call, to check whether the feed keeps up. */
  sample(count: number): PageRequest[] {
    const live = [...this.channels.values()].filter((channel) => !channel.isAsleep);
    const from = this.sampled % Math.max(1, live.length);
    this.sampled = from + count;
    return [...live.slice(from), ...live.slice(0, from)].slice(0, count).map(({ request }) => request);
  }

  readOn(channel: LiveChannel): void {
    channel.noteHint();
    if (channel.isReading || (channel.isAsleep && !isInbox(channel))) return;
    void this.read(channel);
  }

  private async read(channel: LiveChannel): Promise<void> {
    channel.beginReads();
    let reads = 0;
    try {
      while (channel.isUnread) {
        if (channel.readsInVain > FREE_EMPTY_READS) await delay(EMPTY_READ_PAUSE_MS);
        channel.beginRead();
        const page = await this.options.log.readLive(channel.request);
        channel.noteRead();
        reads += 1;
        if (page) this.take(channel, page);
      }
    } catch (error) {
      // The next poll reads it again.
      this.options.onError(error);
    } finally {
      channel.endReads();
      if (reads > 0) this.options.metrics.readsPerWake.observe(reads);
    }
  }

  private observeDelivery({ entries, readAtMs }: ChannelPage, position: number): void {
    const oldest = entries.find((entry) => isNew(entry, position));
    if (oldest?.kind !== 'message') return;
    this.options.onDelivery(performance.now() - Math.max(0, readAtMs - oldest.stored.createdAtMs));
  }

  private take(channel: LiveChannel, page: ChannelPage): void {
    this.options.clock.observe(page.readAtMs);
    const { position } = channel;
    const isNext = channel.advance(page.entries, page.seq, page.since, performance.now());
    if (this.options.metrics.isOn && position !== undefined && isNext) this.observeDelivery(page, position);
    if (page.epoch !== channel.epoch) this.options.onEpoch(channel, page.epoch);
    if (!isNext || (channel.position !== undefined && channel.position < page.lastSeq)) this.readOn(channel);
  }
}

function isNew(entry: Entry, position: number): entry is Entry & { kind: 'message' } {
  return entry.kind === 'message' && entry.seq > position;
}

function countLate(page: ChannelPage, position: number, lateMs: number): number {
  const before = page.readAtMs - lateMs;
  return page.entries.filter((entry) => isNew(entry, position) && entry.stored.createdAtMs < before).length;
}

function isInbox(channel: LiveChannel): boolean {
  return channel.name.startsWith('user:');
}
