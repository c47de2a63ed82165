import type { Database } from '#database';
import { READ_BACKLOG, type BacklogRow } from './sql/backlog.sql.js';

const SAMPLED_PAGES = 100;
const COUNTED_ROWS = 10_000;

/** Measures what waits in the tables for all instances together, for monitoring. */
export class Backlog {
  constructor(private readonly database: Database) {}

  async read(): Promise<BacklogRow> {
    const [row] = await this.database.rows(READ_BACKLOG, [SAMPLED_PAGES, COUNTED_ROWS]);
    if (!row) throw new Error('the backlog is always one row');
    return row;
  }
}
