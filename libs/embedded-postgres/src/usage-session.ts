import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'pg';
import { EmbeddedPostgresError, codeOf } from './embedded-postgres-error.js';
import { type ServerAddress, ensureDatabase, openSession, sessionFailed } from './session.js';

const USAGE_NAME = 'trunkline embedded';
const PROBE_NAME = 'trunkline embedded probe';
/** How long sessions that are closing right now (a pool that has just ended) may take to vanish. */
const FAREWELL_MS = 1_000;
const FAREWELL_POLL_MS = 25;
/** The SQLSTATE of too many connections. */
const TOO_MANY_CONNECTIONS = '53300';

/**
 * An idle session that says "this process uses the server", from start to stop. Without it a process that has the
 * server's URL but has not connected yet would look absent, and another that stops would take the server away. The
 * session dies with its process, so a kill -9 leaves no count behind.
 */
export class UsageSession {
  private constructor(private readonly client: Client) {}

  static async open(address: ServerAddress, log: (line: string) => void): Promise<UsageSession> {
    const client = await openSession(address, USAGE_NAME, (error) => {
      log(`the session with the embedded PostgreSQL broke: ${error.message}`);
    });
    try {
      await ensureDatabase(client);
    } catch (cause) {
      await client.end();
      throw sessionFailed(address.port, cause);
    }
    keepsProcessAlive(client, false);
    return new UsageSession(client);
  }

  /** Ends the session. When this resolves, the server has forgotten it, and the next probe does not see it. */
  async close(): Promise<void> {
    // Otherwise a process with nothing else to do would exit in the middle of this wait.
    keepsProcessAlive(this.client, true);
    await this.client.end();
  }
}

/** Says whether the client's socket keeps the process alive, by ref and unref, which @types/pg does not know. */
function keepsProcessAlive(client: Client, isKept: boolean): void {
  const socket = client as Client & { ref(): void; unref(): void };
  if (isKept) socket.ref();
  else socket.unref();
}

/**
 * Tells whether nobody uses the server any more. Call it under the lock and after closing one's own presence, so that
 * of two processes that stop at once the second sees that the first has gone.
 */
export async function isDeserted(address: ServerAddress): Promise<boolean> {
  const probe = await openProbe(address);
  if (probe === 'full') return false;
  try {
    const deadline = Date.now() + FAREWELL_MS;
    for (;;) {
      const { present, others } = await countClients(probe);
      // Other presences close only under the lock, which we hold, so waiting for them is of no use.
      if (others === 0 || present > 0 || Date.now() > deadline) return others === 0;
      await sleep(FAREWELL_POLL_MS);
    }
  } finally {
    await probe.end();
  }
}

async function openProbe(address: ServerAddress): Promise<Client | 'full'> {
  try {
    // A session that breaks also rejects the query under way, so its own event tells nothing more.
    return await openSession(address, PROBE_NAME, () => undefined);
  } catch (error) {
    const cause = error instanceof EmbeddedPostgresError ? error.cause : undefined;
    if (codeOf(cause) === TOO_MANY_CONNECTIONS) return 'full';
    throw error;
  }
}

async function countClients(probe: Client): Promise<{ present: number; others: number }> {
  const { rows } = await probe.query<{ present: number; others: number }>(
    `SELECT count(*)::int AS others,
            count(*) FILTER (WHERE application_name = $1)::int AS present
       FROM pg_stat_activity
      WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`,
    [USAGE_NAME],
  );
  return rows[0] ?? { present: 0, others: 0 };
}
