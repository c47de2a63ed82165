import { sweep, withRetry, type Database } from '#database';
import { BEGIN_CHANGE, END_CHANGE, FORGET_CHANGES, LIST_CHANGES, type ChangeRow } from './sql/admin-audit.sql.js';

export interface Change {
  /** The name of the admin key. */
  readonly by: string;
  readonly action: string;
  readonly target: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly requestId: string | null;
}

const ROWS_AT_ONCE = 1_000;

/** Who changed what through the admin REST, and what came of it. */
export class AdminAudit {
  constructor(
    private readonly database: Database,
    private readonly instanceId: string,
    /** 0: for ever. */
    private readonly keepDays: number,
  ) {}

  /** Before the change: what cannot be written down is not done. @returns what {@link end} wants */
  async begin({ by, action, target, details, requestId }: Change): Promise<number> {
    const values = [by, action, target, JSON.stringify(details), requestId, this.instanceId];
    const [row] = await this.database.rows('work', BEGIN_CHANGE, values);
    if (!row) throw new Error('the change was not written down');
    return row.id;
  }

  async end(id: number, result: string): Promise<void> {
    await withRetry(() => this.database.rows('work', END_CHANGE, [id, result.slice(0, 500)]), { deadlineMs: 2_000 });
  }

  /** Newest first. @param before the id before which the page begins */
  list(before: number, limit: number): Promise<ChangeRow[]> {
    return this.database.rows('work', LIST_CHANGES, [before, limit]);
  }

  /** @returns how many were removed */
  async forget(isDryRun: boolean): Promise<number> {
    if (this.keepDays === 0) return 0;
    return sweep(this.database, FORGET_CHANGES, [this.keepDays, ROWS_AT_ONCE], { atOnce: ROWS_AT_ONCE, isDryRun });
  }
}
