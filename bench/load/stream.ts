import { makeBody, type Body } from './body.js';
import type { Client } from './client.js';

/** A publish under way. */
interface Open {
  /** Counts what has not come yet: the answer, and the deliveries in this thread. */
  left: number;
  readonly onSettled: (() => void) | undefined;
}

/** The messages of one publisher to one channel, numbered from 1. */
export class Stream {
  /** The highest number published. */
  sent = 0;
  readonly refused: number[] = [];
  private readonly open = new Map<number, Open>();

  constructor(
    readonly id: number,
    readonly channel: string,
    private readonly publisher: Client,
    /** The number of receivers in this thread. Those of other threads are counted there. */
    private readonly receivers: number,
    /** Called with the time that the answer took, or with the reason for which the publish was refused. */
    private readonly onAnswer: (ms: number, refusal: string | undefined) => void,
  ) {}

  get isSettled(): boolean {
    return this.open.size === 0;
  }

  /**
   * Publishes the next number.
   * @param atMs when it should be published, which is now unless the generator is late
   * @param onSettled called when the publish has been answered, and delivered to everyone in this thread
   */
  publish(atMs: number, onSettled?: () => void): void {
    const n = ++this.sent;
    this.open.set(n, { left: this.receivers + 1, onSettled });
    this.publisher.publish(this.channel, makeBody(this.id, n, atMs), (error) => this.answered(n, atMs, error));
  }

  delivered({ n }: Body): void {
    this.count(n);
  }

  private answered(n: number, atMs: number, error: string | undefined): void {
    this.onAnswer(performance.now() - atMs, error);
    if (error === undefined) {
      this.count(n);
      return;
    }
    this.refused.push(n);
    this.settle(n);
  }

  private count(n: number): void {
    const open = this.open.get(n);
    if (open && --open.left === 0) this.settle(n);
  }

  private settle(n: number): void {
    const onSettled = this.open.get(n)?.onSettled;
    this.open.delete(n);
    onSettled?.();
  }
}
