import type { AdminScope } from '#protocol';
import { ApiKeys } from './api-keys.js';

/** An operator, or a tool of an operator, known by its admin key. */
export interface Admin {
  /** The name of the key. */
  readonly name: string;
  readonly scopes: ReadonlySet<AdminScope>;
}

/** Finds who may use the admin REST, and for what, by the secret of a key. */
export class AdminKeys {
  private readonly keys: ApiKeys;
  private readonly admins: ReadonlyMap<string, Admin>;

  /** @param entries have the form `name:secret:scope+scope`, and no two the same name */
  constructor(entries: readonly string[]) {
    const parts = entries.map((entry) => {
      const end = entry.lastIndexOf(':');
      const scopes = entry.slice(end + 1).split('+') as AdminScope[];
      return { pair: entry.slice(0, end), name: entry.slice(0, entry.indexOf(':')), scopes: new Set(scopes) };
    });
    this.keys = new ApiKeys(parts.map(({ pair }) => pair));
    this.admins = new Map(parts.map(({ name, scopes }) => [name, { name, scopes }]));
  }

  /** Undefined means that no key has this secret. The comparison takes constant time, as in {@link ApiKeys}. */
  adminOf(secret: string): Admin | undefined {
    const name = this.keys.nameOf(secret);
    return name === undefined ? undefined : this.admins.get(name);
  }
}
