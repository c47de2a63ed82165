import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import type { EventPayload } from '#protocol';
import { API_KEY, JWT_SECRET, Server } from '../support/server.js';
import { TestClient } from '../support/test-client.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

/** Stands in every body and every forged token, and must stand in no line of the log. */
export const SECRET_TEXT = 'for-nobody-elses-eyes';

const CANARY_DEADLINE_MS = 1_000;
/** Written by the mere coming and going of connections, and by the server itself. */
const ALLOWED_TO_CHANGE = [
  'instances',
  'connections',
  'routes',
  'sessions',
  'session_tokens',
  'devices',
  'cursors',
  'job_runs',
  'service_hours',
  'suspects',
  'migrations',
];
/** Nothing may go wrong inside the server; pino: 40 warn, 50 error. */
const WARN = 40;
/** What is said once of clients that can never connect as they are. */
const OF_CLIENTS = ['origin refused', 'Socket.IO version refused', 'transport refused'];

type Counts = Record<string, number>;

/** One real server under attack, and a canary: a well-behaved client on a connection of its own that must not notice. */
export class Target {
  private tables: string[] = [];
  private songs = 0;

  private constructor(
    readonly database: TestDatabase,
    readonly server: Server,
    private readonly canary: TestClient,
    /** A session of its own for counting: opening one for each row would take longer than the attack. */
    private readonly census: Client,
  ) {}

  static async start(env: Record<string, string> = {}): Promise<Target> {
    const database = await createTestDatabase();
    try {
      const server = await Server.start(database.url, { LOG_LEVEL: 'trace', ...env });
      const canary = await TestClient.connect(server.url, { user: 'canary' });
      const census = new Client({ connectionString: database.url });
      await census.connect();
      const target = new Target(database, server, canary, census);
      await target.listTables();
      return target;
    } catch (error) {
      await database.drop();
      throw error;
    }
  }

  /**
   * Runs an attack and expects of it: the same process, nothing that it reports as its own fault, the canary served
   * within a second, no rows but those it `leaves` (by table), no secret in the log.
   */
  async survives<T>(attack: () => Promise<T>, leaves: Counts = {}): Promise<T> {
    const before = await this.countRows();
    const firstLine = this.server.lines.length;
    const outcome = await attack();
    await this.hearCanary();
    expect(this.server.isRunning).toBe(true);
    expect(difference(before, await this.countRows())).toEqual(leaves);
    const lines = this.server.lines.slice(firstLine);
    expect(lines.filter(isTrouble)).toEqual([]);
    expect(lines.filter(holdsSecret)).toEqual([]);
    return outcome;
  }

  /** What must hold after all attacks together. Ends the server, as an operator would. */
  async end(): Promise<void> {
    try {
      await this.expectOnlyCanary();
      this.canary.close();
      expect(await this.server.end('SIGTERM')).toBe(0);
      expect(this.server.lines.filter(holdsSecret)).toEqual([]);
      expect(this.server.lines.filter(isTrouble)).toEqual([]);
    } finally {
      this.canary.close();
      await this.census.end();
      await this.server.end('SIGKILL');
      await this.database.drop();
    }
  }

  private async hearCanary(): Promise<void> {
    const song = `song ${++this.songs}`;
    const startedAt = performance.now();
    const heard = new Promise((resolve) => {
      this.canary.socket.once('messages', ({ messages }: EventPayload<'messages'>) => resolve(messages.at(-1)?.data));
    });
    await this.canary.must('publish', { channel: 'user:canary', type: 'song', data: song });
    expect(await Promise.race([heard, delay(CANARY_DEADLINE_MS, 'silence', { ref: false })])).toBe(song);
    expect(performance.now() - startedAt).toBeLessThan(CANARY_DEADLINE_MS);
    expect(this.canary.socket.connected).toBe(true);
  }

  private async expectOnlyCanary(): Promise<void> {
    const connected = (): Promise<object[]> => this.database.query('select user_id from trunkline.connections');
    await until('every attacker is gone', async () => (await connected()).length === 1);
    expect(await connected()).toEqual([{ user_id: 'canary' }]);
    const routes = await this.database.query('select channel from trunkline.routes order by 1');
    expect(routes).toEqual([{ channel: 'broadcast' }, { channel: 'user:canary' }]);
  }

  private async listTables(): Promise<void> {
    const rows = await this.database.query<{ relname: string }>(
      `select relname from pg_class
        where relnamespace = 'trunkline'::regnamespace and relkind in ('r', 'p') and not relispartition
          and relname <> all ($1)`,
      [ALLOWED_TO_CHANGE],
    );
    this.tables = rows.map(({ relname }) => relname);
    expect(this.tables).toEqual(
      expect.arrayContaining(['channels', 'messages', 'publish_ids', 'memberships', 'attempts']),
    );
  }

  /** Rows of each table, those that mention the canary aside. */
  private async countRows(): Promise<Counts> {
    const counts = this.tables.map(
      (table) => `select '${table}' as name, count(*)::int from trunkline.${table} as r where r::text !~ 'canary'`,
    );
    const { rows } = await this.census.query<{ name: string; count: number }>(counts.join(' union all '));
    return Object.fromEntries(rows.map(({ name, count }) => [name, count]));
  }
}

function difference(before: Counts, after: Counts): Counts {
  const changes = Object.entries(after).map(([table, count]) => [table, count - (before[table] ?? 0)] as const);
  return Object.fromEntries(changes.filter(([, change]) => change !== 0));
}

/** A line that is no JSON comes from somewhere the server has no hold of, such as Node's own warnings. */
function isTrouble(line: string): boolean {
  try {
    const { level, msg = '' } = JSON.parse(line) as { level?: number; msg?: string };
    return level === undefined || level > WARN || (level === WARN && !OF_CLIENTS.includes(msg));
  } catch {
    return true;
  }
}

/** The beginnings of a JWT's header and of its claims, in base64. */
const JWT_BEGINNINGS = ['eyJhbGci', 'eyJzdWIi'];

function holdsSecret(line: string): boolean {
  return [SECRET_TEXT, ...JWT_BEGINNINGS, JWT_SECRET, API_KEY].some((secret) => line.includes(secret));
}
