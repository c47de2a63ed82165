import { createServer, type ServerOptions } from 'node:http';
import { ExpressAdapter } from '@nestjs/platform-express';

/**
 * How long a client may take until a request is complete. By default Node checks its deadlines only every 30 s, so that
 * a deadline of ten seconds could take forty.
 */
export const HTTP_DEADLINES: ServerOptions = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  connectionsCheckingInterval: 1_000,
  keepAliveTimeout: 5_000,
  maxHeaderSize: 16_384,
};

/** Runs Express on an HTTP server that checks its deadlines every second. */
export class HttpAdapter extends ExpressAdapter {
  override initHttpServer(): void {
    this.httpServer = createServer(HTTP_DEADLINES, this.getInstance());
  }
}
