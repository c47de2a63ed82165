import type { Database } from '#database';
import { COUNT_BACKLOG, COUNT_TRAFFIC, type BacklogRow, type TrafficRow } from './sql/count-traffic.sql.js';

const NO_BACKLOG: BacklogRow = { waiting: 0, due: 0, oldest_due_ms: 0, rejected: 0, dead: 0 };

/** What went through, counted from the tables. */
export class Traffic {
  private counting: Promise<unknown> = Promise.resolve();

  constructor(private readonly database: Database) {}

  /** One after the other, however many ask: a wide one reads much. */
  count(from: Date, to: Date, stepS: number): Promise<TrafficRow[]> {
    const rows = this.counting.then(() => this.database.rows('work', COUNT_TRAFFIC, [from, to, stepS]));
    this.counting = rows.catch(() => undefined);
    return rows;
  }

  async backlog(): Promise<BacklogRow> {
    const [row] = await this.database.rows('work', COUNT_BACKLOG);
    return row ?? NO_BACKLOG;
  }
}
