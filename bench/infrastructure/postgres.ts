import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '#embedded-postgres';
import { debianPostgres } from './debian-postgres.js';

/**
 * The settings that docs/operations.md recommends. Nothing is relaxed for speed: fsync and synchronous_commit stay on.
 */
const PARAMETERS = {
  max_connections: '300',
  shared_buffers: `${Math.floor(totalmem() / 4 / 1_048_576)}MB`,
  max_wal_size: '8GB',
  min_wal_size: '2GB',
  checkpoint_timeout: '15min',
  autovacuum_naptime: '15s',
};
/** The number of WAL files made in advance. At 16 MB each they hold more than a measurement writes. */
const WAL_FILES = 64;

/** The PostgreSQL of a run, with a database for each system that needs one. */
export class Postgres {
  private constructor(
    private readonly directory: string,
    private readonly server: EmbeddedPostgres,
    /** The pid of the postmaster, whose children are the backends. */
    readonly pid: number,
    readonly version: string,
  ) {}

  /**
   * Starts a server.
   * @param binDirectory the directory of its programs; if undefined, Debian's PostgreSQL is taken, or the embedded one
   * where there is no Debian
   */
  static async start(binDirectory?: string): Promise<Postgres> {
    const directory = await mkdtemp(join(tmpdir(), 'trunkline-bench-'));
    // Started by root, the server runs under another account, which must be able to enter the directory.
    await chmod(directory, 0o755);
    const server = await startEmbeddedPostgres({
      directory,
      parameters: PARAMETERS,
      binDirectory: binDirectory ?? (await debianPostgres()),
    });
    await layInWal(server.url);
    const pid = Number.parseInt(await readFile(join(directory, 'pg', 'postmaster.pid'), 'utf8'));
    const [row] = await query<{ server_version: string }>(server.url, 'show server_version');
    return new Postgres(directory, server, pid, row?.server_version ?? '');
  }

  /**
   * Creates an empty database.
   * @returns its address
   */
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

/**
 * Makes WAL files in advance, as a server has them that has run for a while and uses its old ones again. While a new
 * WAL file is made, which takes 16 MB of zeros and an fsync, all commits wait.
 */
async function layInWal(url: string): Promise<void> {
  await query(
    url,
    `do $$ begin
       for file in 1..${WAL_FILES} loop
         perform pg_logical_emit_message(false, 'bench', '');
         perform pg_switch_wal();
       end loop;
     end $$`,
  );
  await query(url, 'checkpoint');
}

/** Runs one statement on a connection of its own. */
export async function query<Row>(url: string, text: string, values: unknown[] = []): Promise<Row[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text, values)).rows as Row[];
  } finally {
    await client.end();
  }
}
