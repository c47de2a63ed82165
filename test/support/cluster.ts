import { Server } from './server.js';
import { TestClient, type ClientOptions } from './test-client.js';

/** The instances on one database and the clients of a test. All of them are ended, even after a test that failed. */
export class Cluster {
  private readonly starting: Promise<Server>[] = [];
  private clients: { close(): void }[] = [];

  constructor(
    readonly databaseUrl: string,
    /** The environment of every instance, over the defaults of {@link Server.start}. */
    private readonly env: Record<string, string> = {},
  ) {}

  start(env: Record<string, string> = {}): Promise<Server> {
    const server = Server.start(this.databaseUrl, { ...this.env, ...env });
    this.starting.push(server);
    return server;
  }

  /** Connects a client and waits for `ready`. */
  async connect(server: Server, options: ClientOptions, last?: Map<string, number>): Promise<TestClient> {
    return this.keep(TestClient.open(server.url, options, last)).whenReady();
  }

  /** Has the client closed with the others. */
  keep<Client extends { close(): void }>(client: Client): Client {
    this.clients.push(client);
    return client;
  }

  closeClients(): void {
    for (const client of this.clients) client.close();
    this.clients = [];
  }

  /** Closes the clients and kills the instances. What a killed instance leaves behind goes with the database. */
  async end(): Promise<void> {
    this.closeClients();
    for (const started of await Promise.allSettled(this.starting)) {
      if (started.status === 'fulfilled') await started.value.end('SIGKILL');
    }
  }
}
