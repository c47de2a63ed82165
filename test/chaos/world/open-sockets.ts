import type { ProxiedConnection } from '../net/link.js';

interface OpenSocket {
  readonly connection: string;
  readonly wire: ProxiedConnection;
  /** When the client learned of the connection, by performance.now(). */
  readonly openedAtMs: number;
  /** True when `ready` has come and the client has not closed the connection. */
  isReady: boolean;
}

export interface Comparison {
  readonly sockets: number;
  readonly ghosts: readonly string[];
  readonly missing: readonly string[];
}

/** The connections that are really open, as their proxied links show. */
export class OpenWires {
  private readonly sockets = new Map<string, OpenSocket>();

  opened(connection: string, wire: ProxiedConnection): void {
    this.sockets.set(connection, { connection, wire, openedAtMs: performance.now(), isReady: false });
  }

  ready(connection: string): void {
    const socket = this.sockets.get(connection);
    if (socket) socket.isReady = true;
  }

  /** The client is done with the connection; the server may not know yet. */
  left(connection: string): void {
    const socket = this.sockets.get(connection);
    if (socket) socket.isReady = false;
  }

  /** Counts the connections that the server may still take for open. */
  get openCount(): number {
    return [...this.sockets.values()].filter(({ wire }) => wire.isFarOpen).length;
  }

  /**
   * Compares the registered connections with the open ones. What came or went within `graceMs` is excused on either
   * side.
   */
  compare(registered: readonly string[], graceMs: number): Comparison {
    const before = performance.now() - graceMs;
    for (const { connection, wire } of this.sockets.values()) {
      if ((wire.farClosedAtMs ?? Infinity) < before) this.sockets.delete(connection);
    }
    const known = new Set(registered);
    const ghosts = registered.filter((connection) => !this.sockets.has(connection));
    const missing = [...this.sockets.values()]
      .filter(({ wire, isReady, openedAtMs }) => isReady && wire.isFarOpen && openedAtMs < before)
      .map(({ connection }) => connection)
      .filter((connection) => !known.has(connection));
    return { sockets: this.openCount, ghosts, missing };
  }
}
