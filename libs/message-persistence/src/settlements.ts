import type { Database } from '#database';
import { SAVE_SETTLEMENTS } from './sql/save-settlements.sql.js';

/** The end of one try to hand a range of a channel to a connection. */
export interface Settlement {
  readonly user: string;
  readonly deviceId: string;
  readonly connectionId: string;
  readonly channel: string;
  readonly fromSeq: number;
  readonly toSeq: number;
  readonly attempt: number;
  /** Milliseconds since the range was sent. */
  readonly ageMs: number;
  readonly outcome: 'acknowledged' | 'timeout' | 'disconnected';
  readonly error: string | null;
  /** False for a subscription: its position is kept by nobody. */
  readonly isDurable: boolean;
}

/** Writes what connections acknowledged, or did not. */
export class Settlements {
  constructor(
    private readonly database: Database,
    private readonly instanceId: () => string,
  ) {}

  async save(settlements: readonly Settlement[]): Promise<void> {
    const column = <K extends keyof Settlement>(key: K) => settlements.map((settlement) => settlement[key]);
    await this.database.rows('hot', SAVE_SETTLEMENTS, [
      column('user'),
      column('deviceId'),
      column('channel'),
      column('fromSeq'),
      column('toSeq'),
      column('connectionId'),
      column('attempt'),
      column('ageMs'),
      column('outcome'),
      column('error'),
      column('isDurable'),
      this.instanceId(),
    ]);
  }
}
