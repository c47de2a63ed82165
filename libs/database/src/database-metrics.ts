import type { Counts, Histograms, Meter } from '#observability';
import type { SqlErrorKind } from './sql-error.js';

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10];
const ERROR_KINDS: readonly SqlErrorKind[] = ['refused', 'unknown', 'conflict', 'data', 'bug'];

/** How many connections a pool may have, has, and has at work, and how many callers wait for one. */
export interface PoolUse {
  readonly max: number;
  readonly open: number;
  readonly busy: number;
  readonly waiting: number;
}

export class DatabaseMetrics {
  readonly isOn: boolean;
  readonly statements: Histograms<string>;
  readonly failures: Counts<SqlErrorKind>;

  constructor(meter: Meter, pools: () => Readonly<Record<string, PoolUse>>) {
    this.isOn = meter.isOn;
    this.statements = meter.histograms(
      {
        name: 'trunkline_statement_duration_seconds',
        help: 'Time of each named SQL statement, the wait for a connection of its pool included; not those inside transactions',
        label: 'statement',
      },
      SECONDS,
    );
    this.failures = meter.counters(
      {
        name: 'trunkline_statement_failures_total',
        help: 'SQL statements that failed: refused (out of reach or full), unknown (broke underway), conflict (lock, deadlock, timeout), data (a value), bug',
        label: 'fault',
      },
      ERROR_KINDS,
    );
    const gauge = (name: string, help: string, read: (use: PoolUse) => number): void =>
      meter.gauges({ name, help, label: 'pool' }, () =>
        Object.entries(pools()).map(([pool, use]) => [pool, read(use)] as const),
      );
    gauge('trunkline_pool_connections', 'Open connections of each pool to PostgreSQL', ({ open }) => open);
    gauge('trunkline_pool_idle_connections', 'Those of them that do nothing', ({ open, busy }) => open - busy);
    gauge('trunkline_pool_max_connections', 'How many connections each pool may open', ({ max }) => max);
    gauge(
      'trunkline_pool_waiting_statements',
      'Statements waiting for a connection of each pool',
      (use) => use.waiting,
    );
  }
}
