import type { Database } from '#database';
import { LIST_CONNECTIONS, LIST_CONNECTIONS_OF, type ListedConnectionRow } from './sql/list-connections.sql.js';
import { COUNT_ONLINE, FIND_READERS, LIST_INSTANCES, type InstanceRow } from './sql/list-instances.sql.js';

export interface ConnectionFilter {
  readonly user?: string | undefined;
  readonly instance?: string | undefined;
  readonly device?: string | undefined;
  readonly address?: string | undefined;
}

/** Queries the registry for operators: who is connected, and on which instance. */
export class RegistryQueries {
  constructor(private readonly database: Database) {}

  instances(): Promise<InstanceRow[]> {
    return this.database.rows(LIST_INSTANCES);
  }

  /**
   * Reads a page of connections.
   * @param after the user and connection after which the page begins; undefined for the first page
   */
  connections(
    { user, instance, device, address }: ConnectionFilter,
    after: readonly [user: string, connectionId: string] | undefined,
    limit: number,
  ): Promise<ListedConnectionRow[]> {
    const [afterUser, afterConnection] = after ?? ['', ''];
    const values = [user ?? afterUser, afterConnection, limit, instance ?? null, device ?? null, address ?? null];
    return this.database.rows(user === undefined ? LIST_CONNECTIONS : LIST_CONNECTIONS_OF, values);
  }

  async usersOnline(): Promise<number> {
    const [row] = await this.database.rows(COUNT_ONLINE);
    return row?.users ?? 0;
  }

  /** Finds the instances that have readers of the channel. */
  async readersOf(channel: string): Promise<string[]> {
    const rows = await this.database.rows(FIND_READERS, [channel]);
    return rows.map(({ instance_id }) => instance_id);
  }
}
