import { toIso, toStored, type Appended, type MessageLog, type Outbox, type StoredMessage } from '#message-persistence';
import type { TraceHeaders } from '#observability';
import { ProtocolError, type Cancelled, type Published, type Scheduled } from '#protocol';
import type { DatabaseClock } from '../database-clock.js';
import type { DeliveryMetrics } from '../delivery-metrics.js';
import type { DeliveryTraces } from '../delivery-traces.js';
import type { Feed } from '../live/feed.js';
import type { Author, Outgoing } from '../outgoing.js';
import { prepareMessage, type MessageRules, type PreparedMessage } from './prepare-message.js';
import type { ReaderWake } from './reader-wake.js';

export interface PublisherOptions {
  readonly log: MessageLog;
  readonly outbox: Outbox;
  readonly feed: Feed;
  readonly readerWake: ReaderWake;
  readonly clock: DatabaseClock;
  readonly metrics: DeliveryMetrics;
  /** Tracing is off if this is undefined. */
  readonly traces: DeliveryTraces | undefined;
  readonly rules: MessageRules;
}

/**
 * The publisher prepares a message, appends it and answers its author. After the commit it wakes the readers on other
 * instances and pushes the message to those on this one.
 */
export class Publisher {
  constructor(private readonly options: PublisherOptions) {}

  /**
   * Stores a message; the promise resolves after the commit.
   * @param json the text in which the request came, from which its `data` is taken; undefined if that text is not known
   * @param at the position in that text at which the request begins
   * @param headers the trace context with which the request came
   * @throws ProtocolError about the body, BAD_TEXT, or as {@link MessageLog.append} does
   */
  publish(
    request: Outgoing,
    json: string | undefined,
    at: number,
    author: Author,
    headers?: TraceHeaders,
  ): Promise<Published> {
    const { traces } = this.options;
    if (!traces) return this.append(request, json, at, author);
    return traces.publish(request, headers, (traced) => this.append(traced, json, at, author));
  }

  /**
   * Stores a message for later, with the parameters of {@link publish}. The promise resolves when it is stored, and
   * some instance publishes it when it is due.
   */
  schedule(
    { sendAt, ...request }: Outgoing & { sendAt: string },
    json: string | undefined,
    at: number,
    author: Author,
    headers?: TraceHeaders,
  ): Promise<Scheduled> {
    const { traces } = this.options;
    const postpone = async (traced: Outgoing): Promise<Scheduled> =>
      this.postpone(prepareMessage(traced, json, at, author, this.options.rules), sendAt);
    return traces ? traces.publish(request, headers, postpone) : postpone(request);
  }

  /** Takes back a message that this author has scheduled or published. @throws ProtocolError NOT_FOUND, FORBIDDEN */
  async cancel(id: string, { publisher, sender }: Author): Promise<Cancelled> {
    return { id, was: await this.options.outbox.cancel(id, publisher, sender) };
  }

  private append(request: Outgoing, json: string | undefined, at: number, author: Author): Promise<Published> {
    const startedAtMs = this.options.metrics.sampleStart();
    const message = prepareMessage(request, json, at, author, this.options.rules);
    return this.options.log.append(message).then((appended) => {
      const { channel } = message;
      const { id, seq, isRepeated } = appended;
      if (startedAtMs !== undefined) this.noteStored(startedAtMs);
      if (isRepeated) this.announceAgain(channel);
      else this.announce(message, appended, startedAtMs);
      const createdAt = toIso(appended.createdAt.getTime());
      return isRepeated ? { id, channel, seq, createdAt, repeated: true } : { id, channel, seq, createdAt };
    }, this.refuse);
  }

  private async postpone(message: PreparedMessage, at: string): Promise<Scheduled> {
    const { outbox, metrics } = this.options;
    const { id, sendAt } = await outbox.schedule(message, at).catch(this.refuse);
    metrics.publishes.inc('scheduled');
    return { id, channel: message.channel, sendAt: sendAt.toISOString() };
  }

  /** This is a property, so that a publish needs no function of its own to handle a failure. */
  private readonly refuse = (error: unknown): never => {
    this.options.metrics.publishes.inc(error instanceof ProtocolError ? error.errorName : 'INTERNAL');
    throw error;
  };

  private noteStored(startedAtMs: number): void {
    this.options.metrics.publishToCommit.observe((performance.now() - startedAtMs) / 1_000);
  }

  /** Announces a repeated message again, because the instance that stored it may have ended before it announced it. */
  private announceAgain(channel: string): void {
    this.options.metrics.publishes.inc('repeated');
    this.options.readerWake.add(channel);
    this.options.feed.hint([channel]);
  }

  /** Wakes the readers on other instances, and pushes the message to those on this one. */
  private announce(message: PreparedMessage, appended: Appended, startedAtMs: number | undefined): void {
    const { feed, readerWake, clock, metrics, traces } = this.options;
    const { channel, sender, type, body, metadata, options: controls, ttlMs } = message;
    const { id, seq, createdAt, presentMs } = appended;
    metrics.publishes.inc('stored');
    clock.observe(presentMs);
    readerWake.add(channel, traces?.tracing.contextOf(metadata));
    const makeStored = (): StoredMessage => {
      const createdAtMs = createdAt.getTime();
      const expiresAtMs = ttlMs === null ? undefined : Math.min(createdAtMs, presentMs) + ttlMs;
      return toStored({ channel, seq, id, sender, type, body, metadata, controls, createdAtMs, expiresAtMs });
    };
    feed.offer(channel, makeStored, createdAt, startedAtMs);
  }
}
