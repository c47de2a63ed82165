import { Pool, types, type PoolClient, type QueryConfig, type QueryResult } from 'pg';
import { NO_METER, type Meter } from '#observability';
import { DatabaseMetrics, type PoolUse } from './database-metrics.js';
import { NotConnected } from './not-connected.js';
import { DEFAULT_SCHEMA, inSchema } from './in-schema.js';
import { planPools, type PoolName, type PoolPlan } from './pools.js';
import { sessionConfig } from './session-client.js';
import { classify } from './sql-error.js';
import type { Statement } from './statement.js';
import { parseTimestamp } from './timestamp.js';

export interface DatabaseOptions {
  readonly url: string;
  readonly poolSize: number;
  /** The schema of the tables and functions, {@link DEFAULT_SCHEMA} unless it is given. */
  readonly schema?: string;
  /** True if a pooler stands in between, see {@link detectPooler}: no prepared statements, few settings of a session. */
  readonly isPooled?: boolean;
  /** The name that pg_stat_activity shows. */
  readonly applicationName: string;
  readonly onError: (pool: PoolName, error: Error) => void;
  readonly meter?: Meter;
}

const INT8 = 20;
const TIMESTAMPTZ = 1184;

/** The connections of one instance. Callers name a statement, which names its pool; nobody else holds a client. */
export class Database {
  private readonly pools: Record<PoolName, Pool>;
  private readonly metrics: DatabaseMetrics;
  /** The texts of the statements that ran, written for the schema. */
  private readonly texts = new Map<Statement<unknown>, string>();
  private isClosed = false;
  /** The performance.now() when a statement last failed because the schema lacks what it names, or the role a right. */
  private misfitAtMs = -Infinity;

  constructor(private readonly options: DatabaseOptions) {
    const plans = Object.entries(planPools(options.poolSize)) as [PoolName, PoolPlan][];
    this.pools = Object.fromEntries(plans.map(([name, plan]) => [name, this.open(name, plan)])) as Record<
      PoolName,
      Pool
    >;
    this.metrics = new DatabaseMetrics(options.meter ?? NO_METER, () => this.use());
  }

  rows<Row>(statement: Statement<Row>, values: readonly unknown[] = []): Promise<Row[]> {
    const answer = this.ask(statement, values);
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

  private async ask<Row>(statement: Statement<Row>, values: readonly unknown[]): Promise<Row[]> {
    const { name, pool, toRow } = statement;
    const text = this.textOf(statement);
    const query = this.options.isPooled ? { text, values: [...values] } : { name, text, values: [...values] };
    if (!toRow) return (await this.query(pool, query)).rows as Row[];
    const { rows } = await this.query(pool, { ...query, rowMode: 'array' });
    return rows.map((columns) => toRow(columns as never));
  }

  get schema(): string {
    return this.options.schema ?? DEFAULT_SCHEMA;
  }

  private textOf(statement: Statement<unknown>): string {
    const known = this.texts.get(statement);
    if (known !== undefined) return known;
    const text = inSchema(statement.text, this.schema);
    this.texts.set(statement, text);
    return text;
  }

  /** Does what `pool.query` does, in two steps that tell a statement that was never sent from one that failed. */
  private async query(pool: PoolName, config: QueryConfig & { rowMode?: 'array' }): Promise<QueryResult> {
    const client = await this.connect(pool);
    try {
      const result = await client.query(config);
      client.release();
      return result;
    } catch (error) {
      client.release(true);
      this.noteMisfit(error);
      throw error;
    }
  }

  /** The milliseconds since the schema last did not fit a statement; Infinity means never. */
  get sinceMisfitMs(): number {
    return performance.now() - this.misfitAtMs;
  }

  /** Notes errors of class 42: a table, column, function or right is missing. No input causes them: SQL is constant. */
  private noteMisfit(error: unknown): void {
    const code = (error as { code?: unknown } | null)?.code;
    if (typeof code === 'string' && code.startsWith('42')) this.misfitAtMs = performance.now();
  }

  private async connect(pool: PoolName): Promise<PoolClient> {
    try {
      return await this.pools[pool].connect();
    } catch (error) {
      throw new NotConnected(error);
    }
  }

  /** Runs statements of `jobs` on one connection, in one transaction. Everything else is one statement each. */
  async transaction<T>(work: (rows: RowsOf) => Promise<T>, { ending = 'commit' }: TransactionOptions = {}): Promise<T> {
    const client = await this.connect('jobs');
    let failure: Error | undefined;
    try {
      await client.query('begin');
      const result = await work(async (statement, values = []) => {
        const { rows } = await client.query({ text: this.textOf(statement), values: [...values] });
        return rows as never[];
      });
      await client.query(ending);
      return result;
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error));
      this.noteMisfit(error);
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

  private open(name: PoolName, { max, settings, more }: PoolPlan): Pool {
    const applicationName = name === 'health' ? `${this.options.applicationName} health` : this.options.applicationName;
    const pool = new Pool({
      ...sessionConfig({ ...this.options, applicationName, settings }),
      max,
      connectionTimeoutMillis: 3_000,
      idleTimeoutMillis: 60_000,
      // This is longer than statement_timeout, so it fires only when the server itself is silent.
      query_timeout: 12_000,
      types: { getTypeParser: parserOf as typeof types.getTypeParser },
      ...more,
    });
    // Without listeners, a restart of PostgreSQL would end the process: the pool tells of idle clients, busy ones do so
    // themselves.
    pool.on('error', (error) => this.options.onError(name, error));
    pool.on('connect', (client) => client.on('error', (error: Error) => this.options.onError(name, error)));
    return pool;
  }
}

export interface TransactionOptions {
  /** `rollback` only shows what would happen. */
  readonly ending?: 'commit' | 'rollback';
}

export type RowsOf = <Row>(statement: Statement<Row>, values?: readonly unknown[]) => Promise<Row[]>;

/** Reads int8 as a number: a channel would need a million messages a second for 285 years to pass 2^53. */
function parserOf(oid: number, format?: 'text'): unknown {
  if (oid === INT8) return Number;
  const parser: unknown = types.getTypeParser(oid, format);
  if (oid !== TIMESTAMPTZ) return parser;
  return (text: string) => parseTimestamp(text) ?? (parser as (text: string) => unknown)(text);
}
