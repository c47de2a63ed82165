import { Batcher, textArray, withRetry, type Database } from '#database';
import { inboxOf } from '#protocol';
import { FIND_IDLE_DEVICES, FORGET_DEVICES } from './sql/forget-devices.sql.js';
import { FIND_AWAY_DEVICES, LEAVE_DEVICES, OPEN_DEVICES, type OpenedRow } from './sql/open-devices.sql.js';
import { READ_POSITIONS } from './sql/read-positions.sql.js';

export interface DeviceKey {
  readonly user: string;
  readonly deviceId: string;
}

export interface Opened {
  /** The channels that the device receives without asking: the user's inbox, broadcast and the user's groups. */
  readonly channels: readonly string[];
  readonly epoch: number;
}

export interface Position {
  readonly channel: string;
  /** The seq up to which the device has come; delivery goes on after it. */
  readonly seq: number;
  readonly lastSeq: number;
  /** The time of the message at `lastSeq`; undefined means that nothing was published to the channel. */
  readonly lastAt: Date | undefined;
  readonly epoch: number;
  readonly isMember: boolean;
}

/**
 * All items of a batch go on in the same turn of the event loop, and each then has messages to send. More of them at
 * once would hold up the other connections.
 */
const AT_ONCE = 100;

/** A device that was seen within this many days is never removed to make room for a new one. */
const AWAY_DAYS = 1;

type PositionKey = DeviceKey & { readonly channel: string };

/** Keeps the devices of users and how far each has come. Calls are batched: a storm of connects is a few statements. */
export class Devices {
  private readonly opens: Batcher<DeviceKey, Opened | undefined>;
  private readonly looks: Batcher<string, DeviceKey[]>;
  private readonly leaves: Batcher<DeviceKey, void>;
  private readonly positionReads: Batcher<readonly PositionKey[], Position[]>;

  constructor(
    private readonly database: Database,
    /** The most devices that a user may have; 0 means any number. */
    private readonly maxOfUser = 0,
  ) {
    this.opens = new Batcher({
      run: (keys) => withRetry(() => this.openAll(keys), { deadlineMs: 2_000 }),
      maxItems: AT_ONCE,
      ownerOf: ({ user }) => user,
    });
    this.looks = new Batcher({
      run: (users) => withRetry(() => this.findAllAway(users), { deadlineMs: 2_000 }),
      maxItems: AT_ONCE,
      ownerOf: (user) => user,
    });
    this.leaves = new Batcher<DeviceKey, void>({
      run: (keys) => withRetry(() => this.leaveAll(keys), { deadlineMs: 2_000 }),
      maxItems: 500,
    });
    this.positionReads = new Batcher({
      run: (requests) => withRetry(() => this.readPositions(requests), { deadlineMs: 2_000 }),
      maxItems: AT_ONCE,
      ownerOf: ([first]) => first?.user ?? '',
    });
  }

  /**
   * Notes that the device was seen, creates it if it is new, and returns what it receives without asking. Undefined
   * means that it was not created, because its user has as many devices as it may.
   */
  open(key: DeviceKey): Promise<Opened | undefined> {
    return this.opens.add(key);
  }

  /** Finds devices that neither came nor went for a day, the longest first. Some may be connected all that time. */
  findAway(user: string): Promise<DeviceKey[]> {
    return this.looks.add(user);
  }

  /** Forgets a device that {@link findAway} found. False means that it stays, because it was seen meanwhile. */
  async giveWay(key: DeviceKey): Promise<boolean> {
    return (await this.forget([key], AWAY_DAYS)) > 0;
  }

  /** Notes that the device was last seen now. */
  leave(key: DeviceKey): Promise<void> {
    return this.leaves.add(key);
  }

  /** Finds devices, at most `limit`, that were not seen for `days` days in which the service ran. */
  async findIdle(days: number, limit: number): Promise<DeviceKey[]> {
    const rows = await this.database.rows(FIND_IDLE_DEVICES, [days, limit]);
    return rows.map(({ user_id, device_id }) => ({ user: user_id, deviceId: device_id }));
  }

  /**
   * Forgets those devices that are still idle, and how far they came: nothing is kept for them any more. A device that
   * comes back begins as a new one. @returns how many were forgotten
   */
  async forget(keys: readonly DeviceKey[], idleDays: number): Promise<number> {
    const rows = await this.database.rows(FORGET_DEVICES, [
      keys.map(({ user }) => user),
      keys.map(({ deviceId }) => deviceId),
      idleDays,
    ]);
    return rows.length;
  }

  /** Reads where the device stands in each channel, in one snapshot. */
  positions({ user, deviceId }: DeviceKey, channels: readonly string[]): Promise<Position[]> {
    return this.positionReads.add(channels.map((channel) => ({ user, deviceId, channel })));
  }

  private async openAll(keys: readonly DeviceKey[]): Promise<(Opened | undefined)[]> {
    const rows = await this.database.rows(OPEN_DEVICES, [
      textArray(keys.map(({ user }) => user)),
      textArray(keys.map(({ deviceId }) => deviceId)),
      this.maxOfUser,
    ]);
    const byKey = new Map(rows.map((row) => [`${row.user_id} ${row.device_id}`, row]));
    return keys.map(({ user, deviceId }) => {
      const row = byKey.get(`${user} ${deviceId}`);
      return row && toOpened(user, row);
    });
  }

  private async findAllAway(users: readonly string[]): Promise<DeviceKey[][]> {
    const rows = await this.database.rows(FIND_AWAY_DEVICES, [textArray(users), AWAY_DAYS]);
    return users.map((user) =>
      rows.filter((row) => row.user_id === user).map((row) => ({ user, deviceId: row.device_id })),
    );
  }

  private async leaveAll(keys: readonly DeviceKey[]): Promise<void[]> {
    await this.database.rows(LEAVE_DEVICES, [
      textArray(keys.map(({ user }) => user)),
      textArray(keys.map(({ deviceId }) => deviceId)),
    ]);
    return keys.map(() => undefined);
  }

  private async readPositions(requests: readonly (readonly PositionKey[])[]): Promise<Position[][]> {
    const keys = requests.flat();
    const rows = await this.database.rows(READ_POSITIONS, [
      textArray(keys.map(({ user }) => user)),
      textArray(keys.map(({ deviceId }) => deviceId)),
      textArray(keys.map(({ channel }) => channel)),
    ]);
    let next = 0;
    return requests.map((request) =>
      request.map(({ channel }) => {
        const row = rows[next++];
        if (!row) throw new Error(`no position of ${channel}`);
        const lastAt = row.last_at instanceof Date ? row.last_at : undefined;
        return { channel, seq: row.seq, lastSeq: row.last_seq, lastAt, epoch: row.epoch, isMember: row.is_member };
      }),
    );
  }
}

function toOpened(user: string, row: OpenedRow): Opened {
  return { channels: [inboxOf(user), 'broadcast', ...row.groups], epoch: row.epoch };
}
