import { v7 as uuidv7 } from 'uuid';
import type { MessageLog } from '#message-persistence';

/** Stores one message after the other, each as soon as the last is stored, and measures how long the slowest takes. */
export class PublishPulse {
  private worst = 0;
  private count = 0;
  private isStopped = false;
  private readonly running: Promise<void>;

  constructor(private readonly log: MessageLog) {
    this.running = this.run();
  }

  /** Gives the figures since it was asked last. */
  take(): { count: number; worstMs: number } {
    const { count, worst } = this;
    this.count = 0;
    this.worst = 0;
    return { count, worstMs: worst };
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    await this.running;
  }

  private async run(): Promise<void> {
    while (!this.isStopped) {
      const startedAt = performance.now();
      const blank = { sender: null, metadata: null, controls: null, ttlMs: null, publishId: null };
      await this.log.append({
        ...blank,
        channel: 'user:pulse',
        id: uuidv7(),
        publisher: 'pulse',
        type: 'pulse',
        body: '1',
      });
      this.worst = Math.max(this.worst, performance.now() - startedAt);
      this.count += 1;
    }
  }
}
