import { createServer } from 'node:http';
import { ExpressAdapter } from '@nestjs/platform-express';

/**
 * Runs Express on a server that never listens. It is given the requests and upgrades that arrive at another server, so
 * that each instance has its own routes, and the port or the host application outlasts it.
 */
export class HttpAdapter extends ExpressAdapter {
  override initHttpServer(): void {
    const server = (this.httpServer = createServer(this.getInstance()));
    // Connections are told of as well, but the server that listens is the one that reads them.
    server.removeAllListeners('connection');
  }
}
