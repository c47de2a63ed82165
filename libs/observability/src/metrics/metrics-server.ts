import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { METRICS_PATH, type MetricsEndpoint } from './metrics-endpoint.js';

/** There are never more than a few scrapers, so further connections are refused. */
const MAX_CONNECTIONS = 50;
/** Node checks these deadlines only every 30 s unless told otherwise. */
const DEADLINES = { requestTimeout: 10_000, headersTimeout: 10_000, connectionsCheckingInterval: 1_000 };

/** Serves metrics alone, on an address apart from the one that is open to clients. */
export class MetricsServer {
  private constructor(
    private readonly server: Server,
    private readonly host: string,
  ) {}

  static async start(
    endpoint: MetricsEndpoint,
    { host, port }: { host: string; port: number },
  ): Promise<MetricsServer> {
    const server = createServer(DEADLINES, (request, response) => {
      if (request.url?.split('?')[0] === METRICS_PATH) endpoint.handle(request, response);
      else response.writeHead(404).end();
    });
    server.maxConnections = MAX_CONNECTIONS;
    server.listen(port, host);
    await once(server, 'listening');
    return new MetricsServer(server, host);
  }

  get url(): string {
    const { port } = this.server.address() as AddressInfo;
    return `http://${this.host.includes(':') ? `[${this.host}]` : this.host}:${port}${METRICS_PATH}`;
  }

  async stop(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.server.close(() => resolve());
      this.server.closeAllConnections();
    });
  }
}
