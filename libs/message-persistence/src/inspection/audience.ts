import type { Database } from '#database';
import { FIND_AUDIENCE, FIND_PART, FIND_PART_DEVICES, type PartDeviceRow, type PartRow } from './sql/find-part.sql.js';

/** The facts that explain why one message reached or did not reach one user: its memberships, claims and devices. */
export interface UserPart extends PartRow {
  readonly devices: readonly PartDeviceRow[];
}

const NOTHING: PartRow = {
  ...{ joined_seq: null, left_seq: null },
  ...{ left_at: null, similar_user: null, taken_by: null, had_members: false },
};

/** Finds out for whom a message was meant and for whom not, to explain why somebody did not get it. */
export class Audience {
  constructor(private readonly database: Database) {}

  async partOf(user: string, channel: string, seq: number): Promise<UserPart> {
    const [[row = NOTHING], devices] = await Promise.all([
      this.database.rows(FIND_PART, [user, channel, seq]),
      this.database.rows(FIND_PART_DEVICES, [user, channel]),
    ]);
    return { ...row, devices };
  }

  /** Tells whether a group has members now, and whether it had one when the message was published. */
  async membersOf(channel: string, seq: number): Promise<{ hasMembers: boolean; hadMembers: boolean }> {
    const [row] = await this.database.rows(FIND_AUDIENCE, [channel, seq]);
    return { hasMembers: row?.has_members === true, hadMembers: row?.had_members === true };
  }
}
