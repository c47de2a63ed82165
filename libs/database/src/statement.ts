import type { PoolName } from './pools.js';

/** One SQL statement; PostgreSQL plans it once per connection under its name. */
export interface Statement<Row> {
  readonly name: string;
  /** The pool whose connections run it. A statement of `jobs` may also be a part of a transaction. */
  readonly pool: PoolName;
  readonly text: string;
  /**
   * Makes a row of its columns, for statements that answer with many rows: the rows that `pg` makes, name by name, cost
   * five times as much (0.96 instead of 0.18 µs for 14 columns).
   */
  readonly toRow?: (columns: never) => Row;
}

export function statement<Row>(
  name: string,
  pool: PoolName,
  text: string,
  toRow?: (columns: never) => Row,
): Statement<Row> {
  return toRow ? { name, pool, text, toRow } : { name, pool, text };
}
