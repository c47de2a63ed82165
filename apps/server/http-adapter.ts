import { createServer, type ServerOptions } from 'node:http';
import { ExpressAdapter } from '@nestjs/platform-express';

/**
 * What a client may take its time for before a request is complete. Node looks every 30 s unless told otherwise, so that a
 * deadline of ten seconds would be one of forty.
 */
export const HTTP_DEADLINES: ServerOptions = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  connectionsCheckingInterval: 1_000,
  keepAliveTimeout: 5_000,
  maxHeaderSize: 16_384,
};

/** Express on an HTTP server whose deadlines hold. */
export class HttpAdapter extends ExpressAdapter {
  override initHttpServer(): void {
    this.httpServer = createServer(HTTP_DEADLINES, this.getInstance());
  }
}
