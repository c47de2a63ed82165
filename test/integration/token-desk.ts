import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { signToken } from '#auth';
import { JWT_SECRET } from '../support/server.js';

/** The back end of an application, as far as it hands out tokens: of the user whose name the path is. */
export class TokenDesk {
  /** How many it has handed out. */
  count = 0;

  private constructor(private readonly server: Server) {}

  /** @param ttlMs of its tokens, in the order they are asked for; then always the last one. 0 is no token at all. */
  static async open(...ttlMs: number[]): Promise<TokenDesk> {
    const desk: TokenDesk = new TokenDesk(
      createServer((request, response) => {
        const user = request.url?.slice(1) ?? '';
        const ttl = ttlMs[Math.min(desk.count++, ttlMs.length - 1)] ?? 0;
        response.end(ttl === 0 ? 'x' : signToken(JWT_SECRET, { user, grants: ['publish:user:*'], ttlMs: ttl }));
      }),
    );
    await new Promise<void>((resolve) => desk.server.listen(0, '127.0.0.1', resolve));
    return desk;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/`;
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}
