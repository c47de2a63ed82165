import { classify, type Database } from '#database';
import { Fault } from '#protocol';
import { COUNT_BACKLOG, COUNT_TRAFFIC, type BacklogRow, type TrafficRow } from './sql/count-traffic.sql.js';

const NO_BACKLOG: BacklogRow = { waiting: 0, due: 0, oldest_due_ms: 0, rejected: 0, dead: 0 };

/** What went through, counted from the tables. */
export class Traffic {
  private counting: Promise<unknown> = Promise.resolve();

  constructor(private readonly database: Database) {}

  /** One after the other, however many ask: each reads whole days. @throws Fault OVERLOADED if that takes too long */
  count(from: Date, to: Date, stepS: number): Promise<TrafficRow[]> {
    const rows = this.counting.then(() => this.database.rows('work', COUNT_TRAFFIC, [from, to, stepS]));
    this.counting = rows.catch(() => undefined);
    return rows.catch((error: unknown) => {
      if (classify(error) !== 'conflict') throw error;
      throw new Fault('OVERLOADED', 'those days hold too much to be counted in time', { cause: error });
    });
  }

  async backlog(): Promise<BacklogRow> {
    const [row] = await this.database.rows('work', COUNT_BACKLOG);
    return row ?? NO_BACKLOG;
  }
}
