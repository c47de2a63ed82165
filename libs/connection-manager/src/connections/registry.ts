import { Batcher, textArray, withRetry, type Database } from '#database';
import { FIND_CONNECTIONS, FIND_ONLINE_DEVICES, type ConnectionRow } from './sql/find-connections.sql.js';
import { REGISTER, SYNC_REGISTRY } from './sql/sync-registry.sql.js';

export interface ConnectionEntry {
  readonly connectionId: string;
  readonly user: string;
  readonly deviceId: string;
  readonly address: string | null;
  readonly sessionId: string;
}

/**
 * The rows of this instance in the tables `connections` and `routes`. Memory holds what should be there; a change marks
 * its key, and a sync writes the marked ones as they are by then. So a failed or repeated sync is harmless, and an
 * emptied table is rebuilt by marking everything.
 */
export class Registry {
  private readonly entries = new Map<string, ConnectionEntry>();
  private readonly routes = new Set<string>();
  private readonly changedConnections = new Map<string, ConnectionEntry>();
  private readonly changedRoutes = new Set<string>();
  private readonly syncs: Batcher<void, void>;

  constructor(
    private readonly database: Database,
    private readonly instanceId: string,
    /** Called when it is committed that connections of these users were opened or closed. */
    private readonly onCommitted: (users: readonly string[]) => void = () => undefined,
  ) {
    this.syncs = new Batcher<void, void>({
      run: async (callers) => {
        await withRetry(() => this.write(), { deadlineMs: 3_000 });
        return callers.map(() => undefined);
      },
      maxItems: 10_000,
    });
  }

  get connectionCount(): number {
    return this.entries.size;
  }

  private get hasChanges(): boolean {
    return this.changedConnections.size + this.changedRoutes.size > 0;
  }

  find(connectionId: string): ConnectionEntry | undefined {
    return this.entries.get(connectionId);
  }

  addConnection(entry: ConnectionEntry): void {
    this.entries.set(entry.connectionId, entry);
    this.changedConnections.set(entry.connectionId, entry);
  }

  removeConnection(connectionId: string): void {
    const entry = this.entries.get(connectionId);
    if (!entry) return;
    this.entries.delete(connectionId);
    this.changedConnections.set(connectionId, entry);
  }

  openRoute(channel: string): void {
    this.routes.add(channel);
    this.changedRoutes.add(channel);
  }

  closeRoute(channel: string): void {
    this.routes.delete(channel);
    this.changedRoutes.add(channel);
  }

  /** Resolves once every change made before the call is committed. */
  sync(): Promise<void> {
    return this.syncs.add();
  }

  /** Writes what an earlier sync could not write. */
  async writeLeftOver(): Promise<void> {
    if (this.hasChanges) await this.sync();
  }

  /** Writes everything again, after the tables were emptied or rows of this instance were removed. */
  async rebuild(): Promise<void> {
    for (const entry of this.entries.values()) this.changedConnections.set(entry.connectionId, entry);
    for (const channel of this.routes) this.changedRoutes.add(channel);
    await this.sync();
  }

  /** Finds the present connections of a user on all instances. */
  connectionsOf(user: string): Promise<ConnectionRow[]> {
    return this.database.rows(FIND_CONNECTIONS, [user]);
  }

  /** Finds the devices of these users that are connected now; each is named `user device`. */
  async onlineDevices(users: readonly string[]): Promise<Set<string>> {
    const rows = await this.database.rows(FIND_ONLINE_DEVICES, [users]);
    return new Set(rows.map(({ user_id, device_id }) => `${user_id} ${device_id}`));
  }

  private async write(): Promise<void> {
    if (!this.hasChanges) return;
    const connections = [...this.changedConnections.values()];
    const routes = [...this.changedRoutes];
    this.changedConnections.clear();
    this.changedRoutes.clear();
    try {
      await this.writeChanges(connections, routes);
      if (connections.length > 0) this.onCommitted(connections.map(({ user }) => user));
    } catch (error) {
      for (const entry of connections) this.remark(entry);
      for (const channel of routes) this.changedRoutes.add(channel);
      throw error;
    }
  }

  private remark(entry: ConnectionEntry): void {
    if (!this.changedConnections.has(entry.connectionId)) this.changedConnections.set(entry.connectionId, entry);
  }

  private async writeChanges(connections: readonly ConnectionEntry[], routes: readonly string[]): Promise<void> {
    const come = connections.filter(({ connectionId }) => this.entries.has(connectionId));
    const gone = connections.filter(({ connectionId }) => !this.entries.has(connectionId));
    const opened = routes.filter((channel) => this.routes.has(channel));
    const closed = routes.filter((channel) => !this.routes.has(channel));
    const entered = [
      this.instanceId,
      textArray(come.map(({ user }) => user)),
      textArray(come.map(({ connectionId }) => connectionId)),
      textArray(come.map(({ deviceId }) => deviceId)),
      textArray(come.map(({ address }) => address)),
      textArray(come.map(({ sessionId }) => sessionId)),
      textArray(opened),
    ];
    if (gone.length + closed.length === 0) {
      await this.database.rows(REGISTER, entered);
      return;
    }
    const left = [
      textArray(gone.map(({ user }) => user)),
      textArray(gone.map(({ connectionId }) => connectionId)),
      textArray(closed),
    ];
    await this.database.rows(SYNC_REGISTRY, [...entered, ...left]);
  }
}
