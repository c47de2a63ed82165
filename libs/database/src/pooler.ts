import { Client } from 'pg';
import { withRetry } from './retry.js';

const CONNECT_MS = 3_000;
const DEADLINE_MS = 10_000;

/** How PostgreSQL is reached. */
export interface Ways {
  /** Between here and there stands a pooler: nothing of a session lasts longer than a transaction. */
  readonly isPooled: boolean;
  /** Where one session lasts as long as its connection, for LISTEN and its lock; undefined: nowhere. */
  readonly listenUrl: string | undefined;
}

/** Looks at the addresses of the database, see {@link isPooled}. */
export async function findWays(url: string, directUrl?: string): Promise<Ways> {
  const pooled = await isPooled(url);
  if (directUrl !== undefined && !(await isPooled(directUrl))) return { isPooled: pooled, listenUrl: directUrl };
  return { isPooled: pooled, listenUrl: pooled ? undefined : url };
}

/**
 * PostgreSQL names the process of a session twice: in its greeting, for those who want to cancel a statement, and when
 * asked. A pooler greets before it has a backend for the session, so it makes a number up, and the two differ. This
 * leaves nothing behind, unlike a LISTEN that may stay with a backend that is somebody else's next, and does not depend
 * on which backend the pooler gives us twice. Poolers in session mode count as well: they would do, but cannot be told
 * from the others while nobody else uses them.
 */
async function isPooled(url: string): Promise<boolean> {
  return withRetry(() => greetedByAnother(url), { deadlineMs: DEADLINE_MS });
}

async function greetedByAnother(url: string): Promise<boolean> {
  // Without the parameters of a session that poolers refuse.
  const client = new Client({
    connectionString: url,
    application_name: 'trunkline look',
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: CONNECT_MS,
  });
  // The statement says what happened.
  client.on('error', () => undefined);
  await client.connect();
  try {
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    return rows[0]?.pid !== (client as unknown as { processID: number }).processID;
  } finally {
    await client.end();
  }
}
