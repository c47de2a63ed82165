import { Fault } from '#protocol';
import type { Connection } from './connection.js';
import { Packet } from './packet.js';

/** What leaves at the end of a turn of the event loop: who has something to send, and the root of their packets. */
export class Turn {
  root = Packet.root();
  private sending: Connection[] = [];
  /** When one of the messages that leave was published, performance.now(). */
  private publishedAtMs: number | undefined;

  constructor(
    /** False: nothing leaves, and is held back. */
    private readonly maySend: () => boolean,
    /** A message published then has left. */
    private readonly onLeft: (publishedAtMs: number) => void,
    /** What one connection was to be sent could not be made, and the connection is closed. */
    private readonly onError: (error: unknown) => void,
  ) {}

  noteHanded(publishedAtMs: number): void {
    if (this.sending.length > 0) this.publishedAtMs ??= publishedAtMs;
  }

  add(connection: Connection): void {
    if (this.sending.length === 0) setImmediate(() => this.end());
    this.sending.push(connection);
  }

  /** It turned out that this instance may send on. */
  sendHeldBack(): void {
    if (this.sending.length > 0) this.end();
  }

  private end(): void {
    if (!this.maySend()) return;
    const sending = this.sending;
    this.sending = [];
    this.root = Packet.root();
    for (const connection of sending) this.flush(connection);
    if (this.publishedAtMs === undefined) return;
    this.onLeft(this.publishedAtMs);
    this.publishedAtMs = undefined;
  }

  /**
   * An error about one connection costs that connection alone. It may not go on: an acknowledgement of what comes later
   * would count for what was never sent. The client comes back where its device stands.
   */
  private flush(connection: Connection): void {
    try {
      connection.flush();
    } catch (error) {
      this.onError(error);
      connection.outlet.close(new Fault('UNAVAILABLE', 'what was to be sent could not be made; connect again'));
    }
  }
}
