import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { OwnPostgres } from '../../support/own-postgres.js';
import type { MovableClock } from '../../support/movable-clock.js';
import { query } from '../../support/test-database.js';
import { until } from '../../support/until.js';
import { NotDone, NotHealed } from '../faults/not-done.js';
import type { ChaosProxy } from '../net/chaos-proxy.js';
import { pause } from './pause.js';
import { persist } from './persist.js';
import { startStandby } from './standby.js';

/** The role of the suite. A fault that changes the instances' role must not lock out those who heal it. */
const ROLE = 'chaos';
const TRIES = 5;
/** A statement that heals a fault is tried more often. */
const HEALING_TRIES = 50;
const PROMOTED_MS = 30_000;

/** The PostgreSQL of a run. While it is down, the proxies in front of it refuse connections as it would itself. */
export class OwnDatabase {
  private proxies: readonly ChaosProxy[] = [];
  private isUp = true;

  private constructor(
    private postgres: OwnPostgres,
    private readonly password: string,
    /** The clock of the database; undefined if it is the machine's. */
    readonly clock: MovableClock | undefined,
  ) {}

  static async start(clock?: MovableClock): Promise<OwnDatabase> {
    const password = randomBytes(12).toString('hex');
    const postgres = await OwnPostgres.start({}, clock?.environment);
    await postgres.query(`create role ${ROLE} superuser login password '${password}'`);
    return new OwnDatabase(postgres, password, clock);
  }

  /** The address with the role of the instances, past all proxies. */
  get url(): string {
    return this.postgres.url;
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  putBehind(proxies: readonly ChaosProxy[]): void {
    this.proxies = proxies;
  }

  /**
   * Runs one statement of the suite's own, or several in one transaction. They are repeated if a deadlock or the like
   * stops them.
   * @throws NotDone if they fail all the same
   */
  async query<Row extends Record<string, unknown>>(text: string, values?: unknown[]): Promise<Row[]> {
    return persist(TRIES, () => query<Row>(this.urlOf('trunkline'), text, values)).catch((cause: unknown) => {
      throw new NotDone(`${String(cause)} in: ${text.trim().slice(0, 80)}`, { cause });
    });
  }

  /**
   * Takes back what a fault did, on a connection to a database that no fault closes.
   * @throws NotHealed if that fails
   */
  async heal(text: string, database = 'trunkline'): Promise<void> {
    await persist(HEALING_TRIES, () => query(this.urlOf(database), text)).catch((cause: unknown) => {
      throw new NotHealed(`could not be healed: ${String(cause)} in: ${text.trim().slice(0, 80)}`, { cause });
    });
  }

  /**
   * Opens a session with one of the databases, past all proxies.
   * @throws NotDone if its own statements fail
   */
  async withSession(database: string, work: (session: Client) => Promise<void>): Promise<void> {
    const session = new Client({ connectionString: this.urlOf(database) });
    // A query under way reports the error itself, and an idle session has nothing to report.
    session.on('error', () => undefined);
    try {
      await session.connect();
      await work(session);
    } catch (cause) {
      if (!isDatabaseError(cause)) throw cause;
      throw new NotDone(String(cause), { cause });
    } finally {
      await session.end();
    }
  }

  /**
   * Stops the database and starts it again after a time: `immediate` stops as a crash does, `fast` as an operator does.
   */
  async bounce(how: 'immediate' | 'fast', awayMs: number, signal: AbortSignal): Promise<void> {
    await (how === 'immediate' ? this.postgres.crash() : this.postgres.shutDown());
    this.isUp = false;
    for (const proxy of this.proxies) proxy.refuse();
    try {
      await pause(awayMs, signal);
    } finally {
      await this.rise();
    }
  }

  /**
   * Makes a synchronous standby. Then the primary crashes, its address leads to the standby at once, and the standby is
   * promoted after a time.
   * @throws NotDone if there can be no standby
   */
  async failOver(inRecoveryMs: number, signal: AbortSignal, begin: () => void): Promise<void> {
    const primary = this.postgres;
    const standby = await startStandby(primary, this.urlOf('trunkline')).catch((cause: unknown) => {
      throw new NotDone(`no standby: ${String(cause)}`, { cause });
    });
    begin();
    await primary.crash();
    this.postgres = standby;
    try {
      await pause(inRecoveryMs, signal);
    } finally {
      await this.heal('select pg_promote()', 'postgres');
      await until('the standby is promoted', () => this.isPrimary(), PROMOTED_MS);
      await primary.remove();
    }
  }

  /** Stops the database and removes its files, even if somebody is still connected. */
  async remove(): Promise<void> {
    if (this.isUp) await this.postgres.shutDown();
    await this.postgres.remove();
    await this.clock?.remove();
  }

  private async isPrimary(): Promise<boolean> {
    const [row] = await this.query<{ ready: boolean }>('select not pg_is_in_recovery() as ready');
    return row?.ready === true;
  }

  private async rise(): Promise<void> {
    await this.postgres.startAgain();
    this.isUp = true;
    await Promise.all(this.proxies.map((proxy) => proxy.accept()));
  }

  private urlOf(database: string): string {
    const url = new URL(this.url);
    url.username = ROLE;
    url.password = this.password;
    url.pathname = `/${database}`;
    return url.href;
  }
}

/** True for an error of a statement, or of the connection below it. */
function isDatabaseError(error: unknown): boolean {
  if (!(error instanceof Error) || error.name === 'AbortError') return false;
  return 'code' in error || error.message.startsWith('Connection terminated');
}
