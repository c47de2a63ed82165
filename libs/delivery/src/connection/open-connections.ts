import type { Connection } from './connection.js';

/** The connections of this instance, by user. */
export class OpenConnections {
  /** Most users have one connection, for which an array takes a third of the memory of a set. */
  private readonly byUser = new Map<string, Connection[]>();

  add(connection: Connection): void {
    const known = this.byUser.get(connection.key.user);
    if (known) known.push(connection);
    else this.byUser.set(connection.key.user, [connection]);
  }

  remove(connection: Connection): void {
    const left = this.of(connection.key.user).filter((known) => known !== connection);
    if (left.length > 0) this.byUser.set(connection.key.user, left);
    else this.byUser.delete(connection.key.user);
  }

  of(user: string): readonly Connection[] {
    return this.byUser.get(user) ?? [];
  }
}
