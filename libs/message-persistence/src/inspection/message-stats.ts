import { classify, type Database } from '#database';
import { ProtocolError } from '#protocol';
import { COUNT_TRAFFIC, type TrafficRow } from './sql/count-traffic.sql.js';

/** Counts from the tables what was published, delivered and failed. */
export class MessageStats {
  private counting: Promise<unknown> = Promise.resolve();

  constructor(private readonly database: Database) {}

  /** Counts run one after the other, because each reads whole days. @throws ProtocolError OVERLOADED if that takes too long */
  count(from: Date, to: Date, stepS: number): Promise<TrafficRow[]> {
    const rows = this.counting.then(() => this.database.rows(COUNT_TRAFFIC, [from, to, stepS]));
    this.counting = rows.catch(() => undefined);
    return rows.catch((error: unknown) => {
      if (classify(error) !== 'conflict') throw error;
      throw new ProtocolError('OVERLOADED', 'those days hold too much to be counted in time', { cause: error });
    });
  }
}
