import { Pool, types, type PoolClient, type PoolConfig, type QueryConfig, type QueryResult } from 'pg';
import { NO_METER, type Meter } from '#observability';
import { DatabaseMetrics, type PoolUse } from './database-metrics.js';
import { NotConnected } from './not-connected.js';
import { sessionConfig } from './session-client.js';
import { timeouts, type SessionSettings } from './session-settings.js';
import { classify } from './sql-fault.js';
import type { Statement } from './statement.js';
import { parseTimestamp } from './timestamp.js';

/**
 * Separate small pools, so that load on one cannot starve another:
 * `append` · `hot` reads, registration and acknowledgements · `work` REST, joins · `wake` hints · `beat` the lease ·
 * `health` probes · `jobs` cleanup, whose statements may take longer: one connection for the lock, one for the work.
 */
export type PoolName = 'append' | 'hot' | 'work' | 'wake' | 'beat' | 'health' | 'jobs';

export interface DatabaseOptions {
  readonly url: string;
  readonly poolSize: number;
  /** A pooler stands in between, see {@link findWays}: no prepared statements, few settings of a session. */
  readonly isPooled?: boolean;
  /** Shown in pg_stat_activity. */
  readonly applicationName: string;
  readonly onError: (pool: PoolName, error: Error) => void;
  readonly meter?: Meter;
}

const INT8 = 20;
const TIMESTAMPTZ = 1184;

/**
 * For statements over arrays, which the planner takes to have ten elements: for batches of fewer a plan of its own looks
 * cheaper each time, and planning costs as much as the rest (waking 46 µs of 105, opening a device 71 of 109).
 */
const PLAN_ONCE: SessionSettings = { plan_cache_mode: 'force_generic_plan' };
/** Statements that look rows up: a plan made while a table was empty must not read all of it once it has grown. */
const BY_INDEX: SessionSettings = { enable_seqscan: 'off' };
const SESSION_LIMITS = timeouts(10_000, 5_000, 30_000);

/** The connections of one instance. Callers name a pool and a statement; nobody else holds a client. */
export class Database {
  private readonly pools: Record<PoolName, Pool>;
  private readonly metrics: DatabaseMetrics;
  private isClosed = false;

  constructor(private readonly options: DatabaseOptions) {
    const { poolSize } = options;
    const hot = { ...PLAN_ONCE, ...BY_INDEX };
    this.pools = {
      // Batches are one at a time: always in the same backend, which then has in the processor's caches what it needs.
      append: this.pool('append', 1, hot),
      hot: this.pool('hot', poolSize, hot),
      work: this.pool('work', poolSize),
      // A hint is not worth waiting for a disk: with synchronous_commit=off NOTIFY's commit record is not flushed.
      wake: this.pool('wake', 1, { ...PLAN_ONCE, synchronous_commit: 'off' }),
      beat: this.pool('beat', 1),
      // Answers soon or not at all: what is asked here is whether there is an answer.
      health: this.pool(
        'health',
        2,
        { ...BY_INDEX, ...timeouts(2_000, 5_000, 30_000) },
        { connectionTimeoutMillis: 2_000, query_timeout: 2_500 },
      ),
      jobs: this.pool('jobs', 2, timeouts(30_000, 5_000, 600_000), { query_timeout: 32_000 }),
    };
    this.metrics = new DatabaseMetrics(options.meter ?? NO_METER, () => this.use());
  }

  rows<Row>(pool: PoolName, statement: Statement<Row>, values: readonly unknown[] = []): Promise<Row[]> {
    const answer = this.ask(pool, statement, values);
    return this.metrics.isOn ? this.measure(statement.name, answer) : answer;
  }

  private async measure<Answer>(name: string, answer: Promise<Answer>): Promise<Answer> {
    const startedAt = performance.now();
    try {
      return await answer;
    } catch (error) {
      this.metrics.failures.inc(classify(error));
      throw error;
    } finally {
      this.metrics.statements.observe(name, (performance.now() - startedAt) / 1_000);
    }
  }

  private async ask<Row>(pool: PoolName, statement: Statement<Row>, values: readonly unknown[]): Promise<Row[]> {
    const { name, text, toRow } = statement;
    const query = this.options.isPooled ? { text, values: [...values] } : { name, text, values: [...values] };
    if (!toRow) return (await this.query(pool, query)).rows as Row[];
    const { rows } = await this.query(pool, { ...query, rowMode: 'array' });
    return rows.map((columns) => toRow(columns as never));
  }

  /** `pool.query` in two steps, which tell a statement that was never sent from one that failed. */
  private async query(pool: PoolName, config: QueryConfig & { rowMode?: 'array' }): Promise<QueryResult> {
    const client = await this.connect(pool);
    try {
      const result = await client.query(config);
      client.release();
      return result;
    } catch (error) {
      client.release(true);
      throw error;
    }
  }

  private async connect(pool: PoolName): Promise<PoolClient> {
    try {
      return await this.pools[pool].connect();
    } catch (error) {
      throw new NotConnected(error);
    }
  }

  /** Runs statements on one connection, in one transaction. */
  async transaction<T>(
    work: (rows: RowsOf) => Promise<T>,
    { pool = 'work', ending = 'commit' }: TransactionOptions = {},
  ): Promise<T> {
    const client = await this.connect(pool);
    let failure: Error | undefined;
    try {
      await client.query('begin');
      const result = await work(async (statement, values = []) => {
        const { rows } = await client.query({ text: statement.text, values: [...values] });
        return rows as never[];
      });
      await client.query(ending);
      return result;
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error));
      throw error;
    } finally {
      // A client that failed is thrown away with its transaction: nothing half-done returns to the pool.
      client.release(failure);
    }
  }

  use(): Record<PoolName, PoolUse> {
    const uses = Object.entries(this.pools).map(([name, { options, totalCount, idleCount, waitingCount }]) => {
      return [name, { max: options.max, open: totalCount, busy: totalCount - idleCount, waiting: waitingCount }];
    });
    return Object.fromEntries(uses) as Record<PoolName, PoolUse>;
  }

  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    await Promise.all(Object.values(this.pools).map((pool) => pool.end()));
  }

  private pool(name: PoolName, max: number, settings: SessionSettings = {}, more: PoolConfig = {}): Pool {
    const applicationName = name === 'health' ? `${this.options.applicationName} health` : this.options.applicationName;
    const pool = new Pool({
      ...sessionConfig({ ...this.options, applicationName, settings: { ...SESSION_LIMITS, ...settings } }),
      max,
      connectionTimeoutMillis: 3_000,
      idleTimeoutMillis: 60_000,
      // Longer than statement_timeout: fires only when the server itself is silent.
      query_timeout: 12_000,
      types: { getTypeParser: parserOf as typeof types.getTypeParser },
      ...more,
    });
    // Without listeners, a restart of PostgreSQL would end the process: on the pool for idle clients, on each for busy ones.
    pool.on('error', (error) => this.options.onError(name, error));
    pool.on('connect', (client) => client.on('error', (error: Error) => this.options.onError(name, error)));
    return pool;
  }
}

export interface TransactionOptions {
  readonly pool?: PoolName;
  /** `rollback`: only to see what would happen. */
  readonly ending?: 'commit' | 'rollback';
}

export type RowsOf = <Row>(statement: Statement<Row>, values?: readonly unknown[]) => Promise<Row[]>;

/** int8 as a number: a channel would need a million messages a second for 285 years to pass 2^53. */
function parserOf(oid: number, format?: 'text'): unknown {
  if (oid === INT8) return Number;
  const parser: unknown = types.getTypeParser(oid, format);
  if (oid !== TIMESTAMPTZ) return parser;
  return (text: string) => parseTimestamp(text) ?? (parser as (text: string) => unknown)(text);
}
