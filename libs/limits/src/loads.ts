import { Load } from './load.js';

export interface LoadShares {
  /** 0: no limit; so below. */
  readonly connection: number;
  readonly user: number;
  readonly instance: number;
}

/** A connection's load, and the user's above it. */
export interface ConnectionLoad {
  readonly own: Load;
  readonly user: Load;
}

interface UserLoad {
  readonly load: Load;
  connections: number;
}

/** Above the instance's share by this much, requests are refused however small they are. */
const ALL_REFUSED = 1.25;

/** Up to this long, a request is taken while the instance is over its share but not far beyond it. */
const LIGHT_BYTES = 4_096;

/** The loads of an instance, its users and their connections. */
export class Loads {
  readonly instance: Load;
  private readonly users = new Map<string, UserLoad>();

  constructor(private readonly shares: LoadShares) {
    this.instance = new Load(shares.instance);
  }

  /** For a connection, which gives it back with {@link close}. */
  open(user: string): ConnectionLoad {
    let known = this.users.get(user);
    if (!known) {
      known = { load: new Load(this.shares.user, this.instance), connections: 0 };
      this.users.set(user, known);
    }
    known.connections += 1;
    return { own: new Load(this.shares.connection, known.load), user: known.load };
  }

  /** The connection has ended. What it sent may still wait, and counts until it does not. */
  close(user: string): void {
    const known = this.users.get(user);
    if (known) known.connections -= 1;
  }

  /** Whether the instance has too much waiting to take in a request of this length. */
  refuses(bytes: number): boolean {
    if (!this.instance.isOver) return false;
    return bytes > LIGHT_BYTES || this.instance.bytes > this.shares.instance * ALL_REFUSED;
  }

  /** Forgets the users that have neither connections nor anything waiting. Its owner calls this now and then. */
  sweep(): void {
    for (const [user, { load, connections }] of this.users) {
      if (connections === 0 && load.bytes <= 0) this.users.delete(user);
    }
  }

  get size(): number {
    return this.users.size;
  }
}
