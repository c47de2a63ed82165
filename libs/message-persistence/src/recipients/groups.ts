import { Batcher, plainArray, textArray, withRetry, type Database } from '#database';
import { ProtocolError } from '#protocol';
import { FIND_LARGE_GROUPS } from './sql/find-large-groups.sql.js';
import { FIND_MEMBERSHIPS } from './sql/find-membership.sql.js';
import { JOIN_GROUPS, LEAVE_GROUP, READ_MEMBERSHIPS } from './sql/join-groups.sql.js';
import { MAY_SEE } from './sql/may-see.sql.js';

export interface Membership {
  readonly channel: string;
  readonly user: string;
}

interface Joining extends Membership {
  readonly isByUser: boolean;
}

const ownerOf = ({ user }: Membership): string => user;

/** Keeps the durable memberships of users in groups. */
export class Groups {
  private readonly joins: Batcher<Joining, number>;
  private readonly lookups: Batcher<Membership, number | undefined>;
  private readonly sizes: Batcher<{ channel: string; most: number }, boolean>;

  constructor(
    private readonly database: Database,
    /** A user who is in this many groups joins no more by itself; 0 means any number. */
    private readonly maxOfUser = 0,
  ) {
    this.joins = new Batcher<Joining, number>({
      run: (memberships) => withRetry(() => this.joinAll(memberships), { deadlineMs: 2_000 }),
      maxItems: 500,
      ownerOf,
    });
    // Batched, so that a client that asks for what it may not costs a place in a batch and not a statement.
    this.lookups = new Batcher<Membership, number | undefined>({
      run: (memberships) => this.findAll(memberships),
      maxItems: 500,
      ownerOf,
    });
    this.sizes = new Batcher({ run: (asked) => this.findLarge(asked), maxItems: 500 });
  }

  /**
   * @param isByUser true if the user joins by itself; false for a back end, which may put it into any number of groups
   * @returns the seq after which the membership begins; for a user who is a member already, that of the first join
   * @throws ProtocolError LIMIT_REACHED
   */
  join({ channel, user }: Membership, isByUser = false): Promise<number> {
    return this.joins.add({ channel, user, isByUser });
  }

  /** @returns false if the user was no member */
  async leave({ channel, user }: Membership): Promise<boolean> {
    const rows = await withRetry(() => this.database.rows(LEAVE_GROUP, [channel, user]), { deadlineMs: 2_000 });
    return rows.length > 0;
  }

  /** @returns the seq after which the membership began; undefined if the user is no member */
  joinedSeq(membership: Membership): Promise<number | undefined> {
    return this.lookups.add(membership);
  }

  /** Tells whether the group has more than `most` members. */
  isLarger(channel: string, most: number): Promise<boolean> {
    return this.sizes.add({ channel, most });
  }

  async membershipsOf(user: string): Promise<{ channels: string[]; epoch: number }> {
    const rows = await this.database.rows(READ_MEMBERSHIPS, [user]);
    return {
      channels: rows.flatMap(({ channel }) => (channel === null ? [] : [channel])),
      epoch: rows[0]?.epoch ?? 0,
    };
  }

  /**
   * Tells for each pair whether the user may see who is online in the channel: its own inbox, its groups, and the
   * inboxes of those with whom it shares a group.
   */
  async maySee(memberships: readonly Membership[]): Promise<boolean[]> {
    const rows = await this.database.rows(MAY_SEE, [
      memberships.map(({ user }) => user),
      memberships.map(({ channel }) => channel),
    ]);
    return rows.map(({ may_see }) => may_see);
  }

  private async findAll(memberships: readonly Membership[]): Promise<(number | undefined)[]> {
    const rows = await this.database.rows(FIND_MEMBERSHIPS, [
      textArray(memberships.map(({ channel }) => channel)),
      textArray(memberships.map(({ user }) => user)),
    ]);
    return rows.map(({ joined_seq }) => joined_seq ?? undefined);
  }

  private tooMany(): ProtocolError {
    return new ProtocolError(
      'LIMIT_REACHED',
      `a user who is in ${this.maxOfUser} groups joins no more by itself: leave one first`,
    );
  }

  private async findLarge(asked: readonly { channel: string; most: number }[]): Promise<boolean[]> {
    const rows = await this.database.rows(FIND_LARGE_GROUPS, [
      textArray(asked.map(({ channel }) => channel)),
      plainArray(asked.map(({ most }) => most)),
    ]);
    return rows.map(({ is_large }) => is_large);
  }

  private async joinAll(memberships: readonly Joining[]): Promise<(number | Error)[]> {
    const rows = await this.database.rows(JOIN_GROUPS, [
      textArray(memberships.map(({ channel }) => channel)),
      textArray(memberships.map(({ user }) => user)),
      plainArray(memberships.map(({ isByUser }) => isByUser)),
      this.maxOfUser,
    ]);
    const byMembership = new Map(rows.map((row) => [`${row.channel} ${row.user_id}`, row.joined_seq]));
    return memberships.map(({ channel, user }) => byMembership.get(`${channel} ${user}`) ?? this.tooMany());
  }
}
