import { setTimeout as delay } from 'node:timers/promises';
import type { Message } from '#protocol';
import type { Server } from './server.js';
import { TestClient, type ClientOptions } from './test-client.js';

const RECONNECT_MS = 50;

/**
 * A client as an application has it: when its connection breaks it reconnects, to the next instance, and still knows
 * what it saw.
 */
export class RoamingReader {
  readonly connections: TestClient[] = [];
  private readonly last = new Map<string, number>();
  private isClosed = false;

  constructor(
    private readonly servers: readonly Server[],
    private readonly options: ClientOptions,
    first = 0,
  ) {
    void this.roam(first);
  }

  /** The messages that the application got, over all connections, after dedupe. */
  get received(): Message[] {
    return this.connections.flatMap((client) => client.received);
  }

  get current(): TestClient | undefined {
    return this.connections.at(-1);
  }

  bodies(channel: string): unknown[] {
    return this.connections.flatMap((client) => client.bodies(channel));
  }

  close(): void {
    this.isClosed = true;
    this.current?.close();
  }

  private async roam(first: number): Promise<void> {
    for (let turn = first; !this.isClosed; turn++) {
      const server = this.servers[turn % this.servers.length];
      if (!server) throw new Error('nowhere to connect to');
      const client = TestClient.open(server.url, this.options, this.last);
      this.connections.push(client);
      await new Promise((resolve) => {
        client.socket.once('disconnect', resolve);
        client.socket.once('connect_error', resolve);
      });
      client.close();
      await delay(RECONNECT_MS);
    }
  }
}
