import { withRetry, type Database } from '#database';
import { addressTo } from '../notifier/hint.js';
import type { Notifier } from '../notifier/notifier.port.js';
import { BAN_USER, FIND_BAN, UNBAN_USER, type BanRow } from './sql/bans.sql.js';

export interface Ban {
  /** Operators see the reason; the user is not told. */
  readonly reason: string | null;
  /** The end of the ban; undefined means that it lasts until it is lifted. */
  readonly until: Date | undefined;
}

export interface BansOptions {
  readonly notifier: Notifier;
  /** Called when a user was banned, because connections of this instance may have to be closed. */
  readonly onBanned: () => void;
}

/** Bans keep users out, whatever token they show. {@link Sessions} asks at each handshake and closes what is open. */
export class Bans {
  constructor(
    private readonly database: Database,
    private readonly options: BansOptions,
  ) {}

  /** Bans a user, in the place of an earlier ban. @returns undefined if the end has passed by the database's clock */
  async ban(user: string, { reason, until }: Ban): Promise<BanRow | undefined> {
    const values = [user, reason, until?.toISOString() ?? null];
    const [row] = await withRetry(() => this.database.rows('work', BAN_USER, values), { deadlineMs: 2_000 });
    this.options.onBanned();
    await this.options.notifier.tell(addressTo(row?.instances ?? [], { kind: 'sessions-ended' }));
    return row;
  }

  /** Lifts a ban. @returns false if the user was not banned */
  async lift(user: string): Promise<boolean> {
    const rows = await withRetry(() => this.database.rows('work', UNBAN_USER, [user]), { deadlineMs: 2_000 });
    return rows.length > 0;
  }

  async find(user: string): Promise<BanRow | undefined> {
    return (await this.database.rows('work', FIND_BAN, [user]))[0];
  }
}
