import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../lifecycle/fixtures/free-ports.js';
import { programOfPackage } from './debian-package.js';
import { query } from './test-database.js';
import { until } from './until.js';

/** The account under which PgBouncer runs, because it refuses to run as root. */
const NOBODY = { uid: 65_534, gid: 65_534 };

/**
 * Debian's PgBouncer in transaction mode in front of a PostgreSQL, with its defaults: no prepared statements, few
 * parameters.
 */
export class PgBouncer {
  private constructor(
    private readonly process: ChildProcess,
    private readonly directory: string,
    private readonly port: number,
  ) {}

  static async start(databaseUrl: string): Promise<PgBouncer> {
    const { file, env } = await programOfPackage('pgbouncer', '/usr/sbin/pgbouncer');
    const directory = await mkdtemp(join(tmpdir(), 'trunkline-pgbouncer-'));
    await chmod(directory, 0o755);
    const [port = 0] = await freePorts(1);
    const ini = join(directory, 'pgbouncer.ini');
    await writeFile(ini, settings(databaseUrl, directory, port), { mode: 0o644 });
    await writeFile(join(directory, 'users'), users(databaseUrl), { mode: 0o644 });
    const account = process.getuid?.() === 0 ? NOBODY : {};
    const child = spawn(file, [ini], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
      ...account,
    });
    let output = '';
    child.stderr?.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(-4_000)));
    const pooler = new PgBouncer(child, directory, port);
    await until('PgBouncer answers', async () => {
      if (child.exitCode !== null) throw new Error(`PgBouncer ended with ${child.exitCode}: ${output}`);
      return query(pooler.urlOf(databaseUrl), 'select 1').catch(() => undefined);
    });
    return pooler;
  }

  /** The address of the same database through the pooler. */
  urlOf(databaseUrl: string): string {
    const url = new URL(databaseUrl);
    url.host = `127.0.0.1:${this.port}`;
    return url.href;
  }

  async stop(): Promise<void> {
    const exited = once(this.process, 'exit');
    if (this.process.exitCode === null && this.process.kill('SIGINT')) await exited;
    await rm(this.directory, { recursive: true, force: true });
  }
}

function settings(databaseUrl: string, directory: string, port: number): string {
  const { hostname, port: behind } = new URL(databaseUrl);
  return `[databases]
* = host=${hostname} port=${behind}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${join(directory, 'users')}
pool_mode = transaction
default_pool_size = 20
max_client_conn = 2000
server_idle_timeout = 5
server_login_retry = 1
log_connections = 0
log_disconnections = 0
`;
}

function users(databaseUrl: string): string {
  const { username, password } = new URL(databaseUrl);
  return `"${decodeURIComponent(username)}" "${decodeURIComponent(password)}"\n`;
}
