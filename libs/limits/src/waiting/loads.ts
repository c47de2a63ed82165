import { Load } from './load.js';

export interface LoadShares {
  /** The bytes that may wait for one connection; 0 means no limit. */
  readonly connection: number;
  /** The bytes that may wait for all connections of a user; 0 means no limit. */
  readonly user: number;
  /** The bytes that may wait on the instance before it refuses requests; 0 means no limit. */
  readonly instance: number;
}

/** The load of one connection, and above it the load of its user. */
export interface ConnectionLoad {
  readonly own: Load;
  readonly user: Load;
}

interface UserLoad {
  readonly load: Load;
  connections: number;
}

/** Above this multiple of the instance's share, every request is refused, however small it is. */
const ALL_REFUSED = 1.25;

/** A request of at most this length is taken while the instance is over its share, but not over {@link ALL_REFUSED}. */
const LIGHT_BYTES = 4_096;

/** The loads of an instance, its users and their connections. */
export class Loads {
  readonly instance: Load;
  private readonly users = new Map<string, UserLoad>();

  constructor(private readonly shares: LoadShares) {
    this.instance = new Load(shares.instance);
  }

  /** Makes the load of a new connection, to be ended with {@link close}. */
  open(user: string): ConnectionLoad {
    let known = this.users.get(user);
    if (!known) {
      known = { load: new Load(this.shares.user, this.instance), connections: 0 };
      this.users.set(user, known);
    }
    known.connections += 1;
    return { own: new Load(this.shares.connection, known.load), user: known.load };
  }

  /** Ends the load of one connection of the user. What it sent may still wait, and counts until it no longer does. */
  close(user: string): void {
    const known = this.users.get(user);
    if (known) known.connections -= 1;
  }

  /** True if too many bytes wait on the instance to take in a request of this length. */
  refuses(bytes: number): boolean {
    if (!this.instance.isOver) return false;
    return bytes > LIGHT_BYTES || this.instance.bytes > this.shares.instance * ALL_REFUSED;
  }

  /** Forgets the users that have neither connections nor anything waiting. The owner calls this now and then. */
  sweep(): void {
    for (const [user, { load, connections }] of this.users) {
      if (connections === 0 && load.bytes <= 0) this.users.delete(user);
    }
  }

  get size(): number {
    return this.users.size;
  }
}
