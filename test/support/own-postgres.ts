import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EmbeddedPostgres } from '#embedded-postgres';
import { startTestPostgres } from './start-test-postgres.js';
import { query } from './test-database.js';
import { until } from './until.js';

type Settings = Readonly<Record<string, string>>;

/** A PostgreSQL of one test's own, which can be crashed and started again on the same data and the same port. */
export class OwnPostgres {
  private constructor(
    readonly directory: string,
    /** Extra settings of the server, kept when it starts again. */
    readonly parameters: Settings,
    readonly environment: Settings,
    private server: EmbeddedPostgres,
  ) {}

  /**
   * Starts a server on new data. Settings and environment are kept when it starts again.
   * @param parameters extra settings of the server
   * @param environment variables of the server beyond ours
   */
  static async start(parameters: Settings = {}, environment: Settings = {}): Promise<OwnPostgres> {
    return OwnPostgres.startIn(await OwnPostgres.makeDirectory(), parameters, environment);
  }

  static async makeDirectory(): Promise<string> {
    const directory = await mkdtemp(join(tmpdir(), 'trunkline-own-'));
    // PostgreSQL, which never runs as root, must be able to reach its data in the directory.
    await chmod(directory, 0o755);
    return directory;
  }

  /** Starts a server on the data that the directory holds, or on new data if it is empty. */
  static async startIn(directory: string, parameters: Settings, environment: Settings): Promise<OwnPostgres> {
    const server = await startTestPostgres({ directory, parameters }, environment);
    return new OwnPostgres(directory, parameters, environment, server);
  }

  get url(): string {
    return this.server.url;
  }

  get dataDirectory(): string {
    return join(this.directory, 'pg');
  }

  query<Row extends Record<string, unknown>>(text: string, values?: unknown[]): Promise<Row[]> {
    return query(this.url, text, values);
  }

  /** Reads what the server has logged so far. */
  log(): Promise<string> {
    return readFile(join(this.directory, 'pg.log'), 'utf8');
  }

  /**
   * Stops the server as `pg_ctl stop -m immediate` does: without a checkpoint, so that the next start recovers from the
   * WAL.
   */
  crash(): Promise<void> {
    return this.end('SIGQUIT');
  }

  /**
   * Stops the server as `pg_ctl stop -m fast` does: sessions are ended, and the tables keep their rows, UNLOGGED ones
   * included.
   */
  shutDown(): Promise<void> {
    return this.end('SIGINT');
  }

  async startAgain(): Promise<void> {
    const { directory, parameters, environment } = this;
    const port = Number(new URL(this.url).port);
    this.server = await startTestPostgres({ directory, port, parameters }, environment);
  }

  async remove(): Promise<void> {
    await this.server.stop();
    await rm(this.directory, { recursive: true, force: true });
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const pidFile = join(this.dataDirectory, 'postmaster.pid');
    const pid = Number.parseInt(await readFile(pidFile, 'utf8'));
    process.kill(pid, signal);
    await until('the postmaster has ended', () => !isAlive(pid));
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
