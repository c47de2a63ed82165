import { withRetry, type Database } from '#database';
import { BAN_USER, FIND_BAN, UNBAN_USER, type BanRow } from './sql/bans.sql.js';

export interface Ban {
  /** For operators; the user is not told. */
  readonly reason: string | null;
  /** Undefined: until it is lifted. */
  readonly until: Date | undefined;
}

export interface BansOptions {
  readonly isNotifyOn: boolean;
  /** Somebody is banned: connections of this instance may have to go. */
  readonly onBanned: () => void;
}

/** Users who are kept out, whatever token they show. {@link Sessions} asks at each handshake, and closes what is open. */
export class Bans {
  constructor(
    private readonly database: Database,
    private readonly options: BansOptions,
  ) {}

  /** In the place of an earlier one. @returns undefined if its end has passed, by the database's clock */
  async ban(user: string, { reason, until }: Ban): Promise<BanRow | undefined> {
    const values = [user, reason, until?.toISOString() ?? null, this.options.isNotifyOn];
    const [row] = await withRetry(() => this.database.rows('work', BAN_USER, values), { deadlineMs: 2_000 });
    this.options.onBanned();
    return row;
  }

  /** @returns false if the user was not banned */
  async lift(user: string): Promise<boolean> {
    const rows = await withRetry(() => this.database.rows('work', UNBAN_USER, [user]), { deadlineMs: 2_000 });
    return rows.length > 0;
  }

  async find(user: string): Promise<BanRow | undefined> {
    return (await this.database.rows('work', FIND_BAN, [user]))[0];
  }
}
