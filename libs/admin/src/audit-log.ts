import { Inject, Injectable } from '@nestjs/common';
import { INSTANCE_ID } from '#connection-manager';
import { Database, deleteInBatches, withRetry } from '#database';
import type { Change, ChangeLog } from '#http';
import { BEGIN_CHANGE, END_CHANGE, FORGET_CHANGES, LIST_CHANGES, type ChangeRow } from './sql/audit-log.sql.js';

const ROWS_AT_ONCE = 1_000;

/** The record of all changes made through the admin REST: who made each, and its result. */
@Injectable()
export class AuditLog implements ChangeLog {
  constructor(
    private readonly database: Database,
    @Inject(INSTANCE_ID) private readonly instanceId: string,
  ) {}

  /** Records a change before it is made; if this throws, it must not be made. @returns the id to hand to {@link end} */
  async begin({ by, action, target, details, requestId }: Change): Promise<number> {
    const values = [by, action, target, JSON.stringify(details), requestId, this.instanceId];
    const [row] = await this.database.rows(BEGIN_CHANGE, values);
    if (!row) throw new Error('the change was not written down');
    return row.id;
  }

  async end(id: number, result: string): Promise<void> {
    await withRetry(() => this.database.rows(END_CHANGE, [id, result.slice(0, 500)]), { deadlineMs: 2_000 });
  }

  /** Returns a page of changes, the newest first. @param before the page holds only smaller ids */
  list(before: number, limit: number): Promise<ChangeRow[]> {
    return this.database.rows(LIST_CHANGES, [before, limit]);
  }

  /** @param keepDays 0: they are kept for ever @returns how many were removed */
  async forget(keepDays: number, isDryRun: boolean): Promise<number> {
    if (keepDays === 0) return 0;
    return deleteInBatches(this.database, FORGET_CHANGES, [keepDays, ROWS_AT_ONCE], { atOnce: ROWS_AT_ONCE, isDryRun });
  }
}
