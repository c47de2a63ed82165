import type { Database } from '#database';
import { REMOVE_STALE } from '../connections/sql/remove-stale.sql.js';
import { FIND_DEAD, REMOVE_DEAD, REMOVE_ORPHANS } from './sql/find-dead.sql.js';

/** An instance that has lost its dedicated session takes its lock again within this time; a dead one never does. */
const SUSPICION_MS = 1_500;
/**
 * An instance whose lease has ended renews it within this share of a lease if it is alive. If the database's clock is
 * set forward, all leases end at once, and no instance may be removed for that.
 */
const BEAT_SHARE = 1 / 3;

/** Removes the other instances that have died, and what they have left. */
export class Peers {
  private suspectedSince = new Map<string, number>();

  constructor(
    private readonly database: Database,
    private readonly instanceId: string,
    private readonly leaseMs: number,
    /** Called with the users whose connections were removed, either with their instance or one by one. */
    private readonly onRemoved: (users: readonly string[]) => void = () => undefined,
  ) {}

  /**
   * Removes instances that have seemed dead for {@link SUSPICION_MS}, or for {@link BEAT_SHARE} of a lease if only
   * their lease has ended. A look that fails forgets all suspicions, so that after an outage of the database each
   * instance has its time to take its lock again.
   * @returns the ids of the removed instances
   */
  async removeDead(now = performance.now()): Promise<string[]> {
    const suspectedBefore = this.suspectedSince;
    this.suspectedSince = new Map();
    const removed: string[] = [];
    for (const { instance_id: id, has_lost_lock: hasLostLock } of await this.look()) {
      const since = suspectedBefore.get(id) ?? now;
      const suspicionMs = hasLostLock ? SUSPICION_MS : Math.max(SUSPICION_MS, this.leaseMs * BEAT_SHARE);
      if (now - since < suspicionMs) this.suspectedSince.set(id, since);
      else if (await this.remove(id)) removed.push(id);
    }
    return removed;
  }

  /** Removes connections that gave no sign of life for this long although their instance lives. @returns how many */
  async removeStale(timeoutMs: number, isDryRun = false): Promise<number> {
    const gone = await this.database.transaction((rows) => rows(REMOVE_STALE, [timeoutMs]), {
      pool: 'jobs',
      ending: isDryRun ? 'rollback' : 'commit',
    });
    if (gone.length > 0 && !isDryRun) this.onRemoved(gone.map(({ user_id }) => user_id));
    return gone.length;
  }

  /** Finds instances that seem dead now; one that lost its dedicated session may be about to establish it again. */
  async findDead(): Promise<string[]> {
    return (await this.look()).map((row) => row.instance_id);
  }

  /** Removes rows of instances that are not registered. @returns how many were removed, or would be on a dry run */
  async removeOrphans(isDryRun = false): Promise<number> {
    const [row] = await this.database.transaction((rows) => rows(REMOVE_ORPHANS), {
      pool: 'jobs',
      ending: isDryRun ? 'rollback' : 'commit',
    });
    return row?.removed ?? 0;
  }

  private look(): Promise<{ instance_id: string; has_lost_lock: boolean }[]> {
    return this.database.rows('beat', FIND_DEAD, [this.instanceId, this.leaseMs]);
  }

  private async remove(id: string): Promise<boolean> {
    const [removed] = await this.database.rows('beat', REMOVE_DEAD, [id, this.leaseMs]);
    if (removed) this.onRemoved(removed.users);
    return removed !== undefined;
  }
}
