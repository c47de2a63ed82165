import { ProtocolError } from '#protocol';
import type { Connection } from './connection.js';
import { MessageBatch } from './message-batch.js';

/**
 * The flush queue holds the connections that have something to send at the end of this turn of the event loop, and the
 * root from which their message batches grow.
 */
export class FlushQueue {
  root = MessageBatch.root();
  private sending: Connection[] = [];
  /** The time when one of the messages was published, by performance.now(); undefined if none of them is timed. */
  private publishedAtMs: number | undefined;

  constructor(
    /** Returns false to hold everything back until {@link sendHeldBack}. */
    private readonly maySend: () => boolean,
    /** Called when a timed message has left, with the time of its publish by performance.now(). */
    private readonly onLeft: (publishedAtMs: number) => void,
    /** Called when what one connection was to be sent could not be made; that connection is closed. */
    private readonly onError: (error: unknown) => void,
  ) {}

  observeDelivery(publishedAtMs: number): void {
    if (this.sending.length > 0) this.publishedAtMs ??= publishedAtMs;
  }

  add(connection: Connection): void {
    if (this.sending.length === 0) setImmediate(() => this.flushAll());
    this.sending.push(connection);
  }

  /** Sends what was held back, once it has turned out that this instance may send on. */
  sendHeldBack(): void {
    if (this.sending.length > 0) this.flushAll();
  }

  private flushAll(): void {
    if (!this.maySend()) return;
    const sending = this.sending;
    this.sending = [];
    this.root = MessageBatch.root();
    for (const connection of sending) this.flush(connection);
    if (this.publishedAtMs === undefined) return;
    this.onLeft(this.publishedAtMs);
    this.publishedAtMs = undefined;
  }

  /**
   * Closes a connection that cannot be flushed, so that the error costs no other one. It must not go on, because an
   * acknowledgement of later messages would count for those that were never sent. The client comes back and resumes at
   * the cursors of its device.
   */
  private flush(connection: Connection): void {
    try {
      connection.flush();
    } catch (error) {
      this.onError(error);
      connection.transport.close(
        new ProtocolError('UNAVAILABLE', 'what was to be sent could not be made; connect again'),
      );
    }
  }
}
