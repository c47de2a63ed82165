import {
  toIso,
  toStored,
  type Appended,
  type Controls,
  type MessageLog,
  type NewMessage,
  type Outbox,
  type StoredMessage,
} from '#message-persistence';
import type { TraceHeaders } from '#observability';
import {
  assertCleanText,
  bodyIn,
  channelKind,
  encodeBody,
  Fault,
  type BodyLimits,
  type Cancelled,
  type ChannelKind,
  type Published,
  type Scheduled,
} from '#protocol';
import type { DatabaseClock } from './database-clock.js';
import type { DeliveryMetrics } from './delivery-metrics.js';
import type { DeliveryTraces } from './delivery-traces.js';
import type { Feed } from './feed.js';
import { newMessageId } from './message-id.js';
import type { Author, Outgoing } from './outgoing.js';
import type { Waker } from './waker.js';

export interface PublisherOptions {
  readonly log: MessageLog;
  readonly outbox: Outbox;
  readonly feed: Feed;
  readonly waker: Waker;
  readonly clock: DatabaseClock;
  readonly metrics: DeliveryMetrics;
  /** Undefined: tracing is off. */
  readonly traces: DeliveryTraces | undefined;
  readonly bodyLimits: BodyLimits;
  /** Milliseconds for messages without ttlMs; 0: none. */
  readonly defaultTtlMs: Readonly<Record<ChannelKind, number>>;
}

/** validate → append → answer; then the hint to the others and the push to those on this instance. */
export class Publisher {
  constructor(private readonly options: PublisherOptions) {}

  /**
   * Resolves after the commit.
   * @param json the text that the request came in, from which its `data` is taken; undefined if it is not known
   * @param at where the request stands in that text
   * @param headers the trace that the request came with
   * @throws Fault of its body, BAD_TEXT, or of {@link MessageLog.append}
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

  /** As {@link publish}; resolves when it is stored, and an instance publishes it when its time comes. */
  schedule(
    { sendAt, ...request }: Outgoing & { sendAt: string },
    json: string | undefined,
    at: number,
    author: Author,
    headers?: TraceHeaders,
  ): Promise<Scheduled> {
    const { traces } = this.options;
    const postpone = async (traced: Outgoing): Promise<Scheduled> =>
      this.postpone(this.prepare(traced, json, at, author), sendAt);
    return traces ? traces.publish(request, headers, postpone) : postpone(request);
  }

  /** @throws Fault NOT_FOUND, FORBIDDEN */
  async cancel(id: string, { publisher, sender }: Author): Promise<Cancelled> {
    return { id, was: await this.options.outbox.cancel(id, publisher, sender) };
  }

  private append(request: Outgoing, json: string | undefined, at: number, author: Author): Promise<Published> {
    const startedAtMs = this.options.metrics.sampleStart();
    const message = this.prepare(request, json, at, author);
    return this.options.log.append(message).then((appended) => {
      const { channel } = request;
      const { id, seq, isRepeated } = appended;
      if (startedAtMs !== undefined) this.noteStored(startedAtMs);
      if (isRepeated) this.remind(channel);
      else this.spread(request, message, appended, startedAtMs);
      const createdAt = toIso(appended.createdAt.getTime());
      return isRepeated ? { id, channel, seq, createdAt, repeated: true } : { id, channel, seq, createdAt };
    }, this.refuse);
  }

  private async postpone(message: NewMessage, at: string): Promise<Scheduled> {
    const { outbox, metrics } = this.options;
    const { id, sendAt } = await outbox.schedule(message, at).catch(this.refuse);
    metrics.publishes.inc('scheduled');
    return { id, channel: message.channel, sendAt: sendAt.toISOString() };
  }

  /** A value, so that a publish needs no function of its own for it. */
  private readonly refuse = (error: unknown): never => {
    this.options.metrics.publishes.inc(error instanceof Fault ? error.fault : 'INTERNAL');
    throw error;
  };

  private noteStored(startedAtMs: number): void {
    this.options.metrics.publishToCommit.observe((performance.now() - startedAtMs) / 1_000);
  }

  private prepare(request: Outgoing, json: string | undefined, at: number, author: Author): NewMessage {
    const { bodyLimits } = this.options;
    const body = json === undefined ? encodeBody(request.data, bodyLimits) : bodyIn(json, at, bodyLimits);
    assertClean(request);
    const controls = toControls(request);
    return {
      publisher: author.publisher,
      sender: author.sender,
      channel: request.channel,
      id: newMessageId(),
      type: request.type,
      body,
      metadata: request.metadata ? JSON.stringify(request.metadata) : null,
      controls: controls === null ? null : JSON.stringify(controls),
      ttlMs: request.ttlMs ?? this.defaultTtlMs(request.channel),
      publishId: request.publishId ?? null,
    };
  }

  private defaultTtlMs(channel: string): number | null {
    const kind = channelKind(channel);
    return (kind && this.options.defaultTtlMs[kind]) || null;
  }

  /** Whoever stored it may have ended before it told anybody. */
  private remind(channel: string): void {
    this.options.metrics.publishes.inc('repeated');
    this.options.waker.add(channel);
    this.options.feed.hint([channel]);
  }

  private spread(request: Outgoing, stored: NewMessage, appended: Appended, startedAtMs: number | undefined): void {
    const { feed, waker, clock, metrics, traces } = this.options;
    metrics.publishes.inc('stored');
    const { channel, sender, type, body, metadata, ttlMs } = stored;
    const { createdAt, presentMs } = appended;
    const createdAtMs = createdAt.getTime();
    clock.observe(presentMs);
    waker.add(channel, traces?.tracing.contextOf(metadata));
    const expiresAtMs = ttlMs === null ? undefined : Math.min(createdAtMs, presentMs) + ttlMs;
    const { id, seq } = appended;
    const makeStored = (): StoredMessage => {
      const controls = toControls(request);
      return toStored({ channel, seq, id, sender, type, body, metadata, controls, createdAtMs, expiresAtMs });
    };
    feed.offer(channel, makeStored, createdAt, startedAtMs);
  }
}

function assertClean({ type, metadata, publishId, collapseKey }: Outgoing): void {
  assertCleanText(type, 'type');
  if (publishId !== undefined) assertCleanText(publishId, 'publishId');
  if (collapseKey !== undefined) assertCleanText(collapseKey, 'collapseKey');
  if (metadata !== undefined) for (const text of Object.entries(metadata).flat()) assertCleanText(text, 'metadata');
}

const WISHES = ['collapseKey', 'exceptUser', 'exceptDevice', 'exceptConnection', 'receipts'] as const;

/** Null for the many messages that want nothing special. */
function toControls(request: Outgoing): Controls | null {
  const { collapseKey, deliverTo, exceptUser, exceptDevice, exceptConnection, receipts } = request;
  if ((collapseKey ?? deliverTo ?? exceptUser ?? exceptDevice ?? exceptConnection ?? receipts) === undefined)
    return null;
  const controls: Controls = {
    ...Object.fromEntries(WISHES.filter((wish) => request[wish] !== undefined).map((wish) => [wish, request[wish]])),
    ...(deliverTo === 'first-device' ? { deliverTo } : {}),
  };
  return Object.keys(controls).length === 0 ? null : controls;
}
