import { openSession } from './session-client.js';

const CONNECT_MS = 3_000;

/** The ways in which PostgreSQL is reached. */
export interface DatabaseRoutes {
  /** True if a pooler stands between here and PostgreSQL: nothing of a session lasts longer than a transaction. */
  readonly isPooled: boolean;
  /** The address where a session lasts as long as its connection, for LISTEN and its lock; undefined means nowhere. */
  readonly listenUrl: string | undefined;
}

/** The database has an encoding in which PostgreSQL cannot store every text. */
export class EncodingError extends Error {
  constructor(encoding: string) {
    super(`has the encoding ${encoding}; Trunkline needs UTF8: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0`);
    this.name = 'EncodingError';
  }
}

/** The address leads to a standby: it answers, but nothing can be stored there. */
export class StandbyError extends Error {
  constructor() {
    super('is a standby that has not been promoted');
    this.name = 'StandbyError';
  }
}

/**
 * Finds out which addresses of the database lead through a pooler, see {@link isPooled}.
 * @throws {@link NotConnected}, {@link StandbyError}, {@link EncodingError}
 */
export async function detectPooler(url: string, directUrl?: string): Promise<DatabaseRoutes> {
  const pooled = await isPooled(url);
  if (directUrl !== undefined && !(await isPooled(directUrl))) return { isPooled: pooled, listenUrl: directUrl };
  return { isPooled: pooled, listenUrl: pooled ? undefined : url };
}

interface LookRow {
  readonly pid: number;
  readonly is_standby: boolean;
  readonly encoding: string;
}

const LOOK = `
  select pg_backend_pid() as pid, pg_is_in_recovery() as is_standby, current_setting('server_encoding') as encoding`;

/**
 * PostgreSQL names the process of a session twice: in its greeting, for clients that want to cancel a statement, and
 * when asked. A pooler greets before it has a backend for the session, so it makes a number up, and the two differ.
 * This leaves nothing behind, unlike a LISTEN that may stay with a backend that is somebody else's next, and does not
 * depend on which backend the pooler gives us twice. Poolers in session mode count as poolers, too: they would do, but
 * cannot be told from the others while nobody else uses them.
 */
async function isPooled(url: string): Promise<boolean> {
  // It connects as if there were a pooler, because a pooler that refuses parameters of a session gives no answer.
  const options = { url, applicationName: 'trunkline look', isPooled: true };
  const client = await openSession(options, { connectionTimeoutMillis: CONNECT_MS, query_timeout: CONNECT_MS });
  try {
    const { rows } = await client.query<LookRow>(LOOK);
    if (rows[0] && rows[0].encoding !== 'UTF8') throw new EncodingError(rows[0].encoding);
    if (rows[0]?.is_standby) throw new StandbyError();
    return rows[0]?.pid !== (client as unknown as { processID: number }).processID;
  } finally {
    // The end is not awaited, because a server that fell silent would never finish its goodbye.
    client.end().catch(() => undefined);
  }
}
