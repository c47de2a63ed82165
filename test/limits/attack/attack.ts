import type { TestDatabase } from '../../support/test-database.js';
import type { Server } from '../../support/server.js';
import type { Lair } from './lair.js';

export interface AttackSetting {
  readonly database: TestDatabase;
  readonly server: Server;
}

/** Rows that an attack may leave in the database, and their greatest number. */
export interface Remains {
  readonly what: string;
  /** The statement that counts it, as `count`. */
  readonly sql: string;
  readonly atMost: number;
}

/** Something that one client, address or key does to an instance that others use as well. */
export interface Attack {
  readonly name: string;
  /** Describes the attack in one line, for those who read the list. */
  readonly does: string;
  /** Settings of the server, over its defaults. */
  readonly env?: Readonly<Record<string, string>>;
  /** Stores what must be there before anybody connects. */
  readonly prepare?: (setting: AttackSetting) => Promise<void>;
  /** Attacks in a process of its own, until the lair says that it is over. */
  readonly run: (lair: Lair) => Promise<void>;
  /** The server has to end the attacker's connections within this many seconds. The attack lasts longer than that. */
  readonly endsWithinS?: number;
  readonly remains?: readonly Remains[];
}
