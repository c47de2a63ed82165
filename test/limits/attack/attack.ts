import type { TestDatabase } from '../../support/test-database.js';
import type { Server } from '../../support/server.js';
import type { Lair } from './lair.js';

export interface Stage {
  readonly database: TestDatabase;
  readonly server: Server;
}

/** What may be left of an attack in the database. */
export interface Remains {
  readonly what: string;
  /** A statement that counts them, as `count`. */
  readonly sql: string;
  readonly atMost: number;
}

/** What one client, address or key does to an instance that others use as well. */
export interface Attack {
  readonly name: string;
  /** One line, for those who read the list. */
  readonly does: string;
  /** Settings of the server, over its defaults. */
  readonly env?: Readonly<Record<string, string>>;
  /** What is there before anybody comes. */
  readonly prepare?: (stage: Stage) => Promise<void>;
  /** Runs in a process of its own, until the lair says that it is over. */
  readonly run: (lair: Lair) => Promise<void>;
  /** The server has to end the attacker's connections within so many seconds, and the attack lasts longer than that. */
  readonly endsWithinS?: number;
  readonly remains?: readonly Remains[];
}
