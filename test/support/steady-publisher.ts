import { setTimeout as delay } from 'node:timers/promises';
import { randomUUID } from 'node:crypto';
import type { RequestPayload } from '#protocol';
import type { Server } from './server.js';
import { TestClient } from './test-client.js';

const RETRY_MS = 20;

export interface SteadyPublisherOptions {
  readonly servers: readonly Server[];
  readonly user: string;
  readonly channel: string;
  /** Index of the first server. When a connection breaks, the publisher goes to the next server. */
  readonly first?: number;
}

/**
 * Publishes 1, 2, 3 … to a channel for as long as it runs. Each message is acknowledged before the next one is
 * published, and a failed publish is repeated with the same publish id. Bodies are `<user> <n>`.
 */
export class SteadyPublisher {
  /** The bodies of all acknowledged messages, in order. */
  readonly acknowledged: string[] = [];
  /** Counts the tries that ended in a retryable error or a broken connection. */
  failures = 0;
  private readonly run = randomUUID();
  private readonly running: Promise<void>;
  private client: TestClient | undefined;
  private turn: number;
  private isStopped = false;
  private isClosed = false;

  constructor(private readonly options: SteadyPublisherOptions) {
    this.turn = options.first ?? 0;
    this.running = this.publishOn();
    // stop() throws the error again.
    this.running.catch(() => undefined);
  }

  get user(): string {
    return this.options.user;
  }

  /**
   * Stops publishing, and resolves once the message under way is acknowledged.
   * @throws the error that must not be retried, if there was one
   */
  async stop(): Promise<void> {
    this.isStopped = true;
    await this.running;
  }

  /** Ends publishing at once, whatever is under way. */
  close(): void {
    this.isClosed = true;
    this.client?.close();
  }

  private async publishOn(): Promise<void> {
    try {
      for (let n = 1; !this.isStopped; n++) await this.publish(n);
    } finally {
      this.client?.close();
    }
  }

  private async publish(n: number): Promise<void> {
    const { channel, user } = this.options;
    const data = `${user} ${n}`;
    while (!(await this.isStored({ channel, type: 'count', data, publishId: `${this.run} ${n}` }))) {
      this.failures += 1;
      if (this.isClosed) throw new Error(`closed before '${data}' was acknowledged`);
      await delay(RETRY_MS);
    }
    this.acknowledged.push(data);
  }

  private async isStored(request: RequestPayload<'publish'>): Promise<boolean> {
    const client = await this.connected();
    const answer = await client?.ask('publish', request).catch(() => undefined);
    if (answer === undefined || answer.ok) return answer !== undefined;
    if (!answer.error.retryable) throw new Error(`${answer.error.code} ${answer.error.message}`);
    return false;
  }

  /** Connects if need be; undefined if no server answers right now. */
  private async connected(): Promise<TestClient | undefined> {
    if (this.client?.socket.connected) return this.client;
    this.client?.close();
    const { servers, user } = this.options;
    const server = servers[this.turn++ % servers.length];
    if (!server) throw new Error('nowhere to publish');
    this.client = TestClient.open(server.url, { user });
    return this.client.whenReady().catch(() => undefined);
  }
}
