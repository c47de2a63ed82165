import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '#database';

/** Nothing is relaxed for speed: fsync and synchronous_commit stay on, as anybody's PostgreSQL has them. */
const PARAMETERS = { max_connections: '300' };

/** The PostgreSQL of a run, with a database for each system that needs one. */
export class Postgres {
  private constructor(
    private readonly directory: string,
    private readonly server: EmbeddedPostgres,
    /** Of the postmaster, whose children are the backends. */
    readonly pid: number,
    readonly version: string,
  ) {}

  static async start(): Promise<Postgres> {
    const directory = await mkdtemp(join(tmpdir(), 'trunkline-bench-'));
    // As root the server runs under another account, which has to get in here.
    await chmod(directory, 0o755);
    const server = await startEmbeddedPostgres({ directory, parameters: PARAMETERS });
    const pid = Number.parseInt(await readFile(join(directory, 'pg', 'postmaster.pid'), 'utf8'));
    const [row] = await query<{ server_version: string }>(server.url, 'show server_version');
    return new Postgres(directory, server, pid, row?.server_version ?? '');
  }

  /** @returns the address of a new, empty database */
  async createDatabase(name: string): Promise<string> {
    await query(this.server.url, `create database ${name}`);
    const url = new URL(this.server.url);
    url.pathname = `/${name}`;
    return url.href;
  }

  async dropDatabase(name: string): Promise<void> {
    await query(this.server.url, `drop database if exists ${name} with (force)`);
  }

  async stop(): Promise<void> {
    await this.server.stop();
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** On a connection of its own. */
export async function query<Row>(url: string, text: string, values: unknown[] = []): Promise<Row[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text, values)).rows as Row[];
  } finally {
    await client.end();
  }
}
