import { v7 as uuidv7 } from 'uuid';
import type { MessageLog } from '#message-persistence';
import { assertCleanText, encodeBody, type BodyLimits, type Message, type Publish, type Published } from '#protocol';
import type { DatabaseClock } from './database-clock.js';
import type { Feed } from './feed.js';
import type { Waker } from './waker.js';

/** Who publishes: decided by the token or the API key, never by the request. */
export interface Author {
  /** Owner of the publish ids: `user:<id>` or `api:<name>`. */
  readonly publisher: string;
  /** Shown to recipients; null for a back end. */
  readonly sender: string | null;
}

export interface PublisherOptions {
  readonly log: MessageLog;
  readonly feed: Feed;
  readonly waker: Waker;
  readonly clock: DatabaseClock;
  readonly bodyLimits: BodyLimits;
}

/** validate → append → answer; then the hint to the others and the push to those on this instance. */
export class Publisher {
  constructor(private readonly options: PublisherOptions) {}

  /**
   * Resolves after the commit.
   * @throws Fault about the body, or of {@link MessageLog.append}
   */
  async publish(request: Publish, author: Author): Promise<Published> {
    const { log, bodyLimits } = this.options;
    const body = encodeBody(request.data, bodyLimits);
    assertClean(request);
    const appended = await log.append({
      ...author,
      channel: request.channel,
      id: uuidv7(),
      type: request.type,
      body,
      metadata: request.metadata ? JSON.stringify(request.metadata) : null,
      ttlMs: request.ttlMs ?? null,
      publishId: request.publishId ?? null,
    });
    if (appended.isRepeated) this.remind(request.channel);
    else this.spread(request, author, appended, body.length);
    return {
      id: appended.id,
      channel: request.channel,
      seq: appended.seq,
      createdAt: appended.createdAt.toISOString(),
      ...(appended.isRepeated ? { repeated: true } : {}),
    };
  }

  /** Whoever stored it may have ended before it told anybody. */
  private remind(channel: string): void {
    this.options.waker.add(channel);
    this.options.feed.hint([channel]);
  }

  private spread(
    request: Publish,
    author: Author,
    appended: { id: string; seq: number; createdAt: Date },
    bytes: number,
  ): void {
    const { feed, waker, clock } = this.options;
    const { channel, type, metadata, ttlMs } = request;
    const { id, seq, createdAt } = appended;
    clock.observe(createdAt);
    waker.add(channel);
    const expiresAtMs = ttlMs === undefined ? undefined : createdAt.getTime() + ttlMs;
    const message: Message = {
      channel,
      seq,
      id,
      sender: author.sender,
      type,
      data: request.data as Message['data'],
      ...(metadata ? { metadata } : {}),
      createdAt: createdAt.toISOString(),
      ...(expiresAtMs === undefined ? {} : { expiresAt: new Date(expiresAtMs).toISOString() }),
    };
    feed.offer(channel, seq, { message, bytes, expiresAtMs }, createdAt);
  }
}

function assertClean({ type, metadata = {}, publishId }: Publish): void {
  assertCleanText(type, 'type');
  if (publishId !== undefined) assertCleanText(publishId, 'publishId');
  // One by one: joined, half a pair at the end of a key and the other half at the start of its value would pass.
  for (const text of Object.entries(metadata).flat()) assertCleanText(text, 'metadata');
}
