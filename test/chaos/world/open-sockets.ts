import type { Link } from '../net/link.js';

interface OpenSocket {
  readonly connection: string;
  readonly link: Link;
  /** When the client knew of it, by performance.now(). */
  readonly openedAtMs: number;
  /** `ready` has come, and the client has not closed it. */
  isReady: boolean;
}

export interface Comparison {
  readonly sockets: number;
  readonly ghosts: readonly string[];
  readonly missing: readonly string[];
}

/** The connections that are really open, known by their wires. */
export class OpenSockets {
  private readonly sockets = new Map<string, OpenSocket>();

  opened(connection: string, link: Link): void {
    this.sockets.set(connection, { connection, link, openedAtMs: performance.now(), isReady: false });
  }

  ready(connection: string): void {
    const socket = this.sockets.get(connection);
    if (socket) socket.isReady = true;
  }

  /** The client is done with it; the server may not know yet. */
  left(connection: string): void {
    const socket = this.sockets.get(connection);
    if (socket) socket.isReady = false;
  }

  /** Whose wire the server may still believe in. */
  get openCount(): number {
    return [...this.sockets.values()].filter(({ link }) => link.isFarOpen).length;
  }

  /** What came or went within `graceMs` is excused on either side. */
  compare(registered: readonly string[], graceMs: number): Comparison {
    const before = performance.now() - graceMs;
    for (const { connection, link } of this.sockets.values()) {
      if ((link.farClosedAtMs ?? Infinity) < before) this.sockets.delete(connection);
    }
    const known = new Set(registered);
    const ghosts = registered.filter((connection) => !this.sockets.has(connection));
    const missing = [...this.sockets.values()]
      .filter(({ link, isReady, openedAtMs }) => isReady && link.isFarOpen && openedAtMs < before)
      .map(({ connection }) => connection)
      .filter((connection) => !known.has(connection));
    return { sockets: this.openCount, ghosts, missing };
  }
}
