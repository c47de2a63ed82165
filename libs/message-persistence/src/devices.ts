import { Batcher, textArray, withRetry, type Database } from '#database';
import { inboxOf } from '#protocol';
import { FIND_IDLE_DEVICES, FORGET_DEVICES } from './sql/forget-devices.sql.js';
import { LEAVE_DEVICES, OPEN_DEVICES, type OpenedRow } from './sql/open-devices.sql.js';
import { READ_POSITIONS } from './sql/read-positions.sql.js';

export interface DeviceKey {
  readonly user: string;
  readonly deviceId: string;
}

export interface Opened {
  /** Inbox, broadcast and groups. */
  readonly channels: readonly string[];
  readonly epoch: number;
}

export interface Position {
  readonly channel: string;
  /** Acknowledged; delivery goes on behind it. */
  readonly seq: number;
  readonly lastSeq: number;
  /** Time of the message at lastSeq. */
  readonly lastAt: Date | undefined;
  readonly epoch: number;
  readonly isMember: boolean;
}

/** All of a batch go on in one turn of the event loop, and each then has packets to send: more would hold up the others. */
const AT_ONCE = 100;

type PositionKey = DeviceKey & { readonly channel: string };

/** The devices of users and how far each has come. A storm of connects is a few statements. */
export class Devices {
  private readonly opens: Batcher<DeviceKey, Opened>;
  private readonly leaves: Batcher<DeviceKey, void>;
  private readonly positionReads: Batcher<readonly PositionKey[], Position[]>;

  constructor(private readonly database: Database) {
    this.opens = new Batcher({
      run: (keys) => withRetry(() => this.openAll(keys), { deadlineMs: 2_000 }),
      maxItems: AT_ONCE,
    });
    this.leaves = new Batcher<DeviceKey, void>({
      run: (keys) => withRetry(() => this.leaveAll(keys), { deadlineMs: 2_000 }),
      maxItems: 500,
    });
    this.positionReads = new Batcher({
      run: (requests) => withRetry(() => this.readPositions(requests), { deadlineMs: 2_000 }),
      maxItems: AT_ONCE,
    });
  }

  /** Notes the device as seen, makes it if it is new, and says what it receives without asking. */
  open(key: DeviceKey): Promise<Opened> {
    return this.opens.add(key);
  }

  /** Notes when the device was last seen. */
  leave(key: DeviceKey): Promise<void> {
    return this.leaves.add(key);
  }

  /** Some that nobody has seen for this many days. */
  async findIdle(days: number, limit: number): Promise<DeviceKey[]> {
    const rows = await this.database.rows('jobs', FIND_IDLE_DEVICES, [days, limit]);
    return rows.map(({ user_id, device_id }) => ({ user: user_id, deviceId: device_id }));
  }

  /**
   * Forgets the devices that still are idle, and how far they came: nothing is kept for them any more. One that comes
   * back begins as a new one. @returns how many there were
   */
  async forget(keys: readonly DeviceKey[], idleDays: number): Promise<number> {
    const rows = await this.database.rows('jobs', FORGET_DEVICES, [
      keys.map(({ user }) => user),
      keys.map(({ deviceId }) => deviceId),
      idleDays,
    ]);
    return rows.length;
  }

  /** Where the device stands in each channel, in one snapshot. */
  positions({ user, deviceId }: DeviceKey, channels: readonly string[]): Promise<Position[]> {
    return this.positionReads.add(channels.map((channel) => ({ user, deviceId, channel })));
  }

  private async openAll(keys: readonly DeviceKey[]): Promise<(Opened | Error)[]> {
    const rows = await this.database.rows('hot', OPEN_DEVICES, [
      textArray(keys.map(({ user }) => user)),
      textArray(keys.map(({ deviceId }) => deviceId)),
    ]);
    const byKey = new Map(rows.map((row) => [`${row.user_id} ${row.device_id}`, row]));
    return keys.map(({ user, deviceId }) => {
      const row = byKey.get(`${user} ${deviceId}`);
      return row ? toOpened(user, row) : new Error('the device was not opened');
    });
  }

  private async leaveAll(keys: readonly DeviceKey[]): Promise<void[]> {
    await this.database.rows('hot', LEAVE_DEVICES, [
      textArray(keys.map(({ user }) => user)),
      textArray(keys.map(({ deviceId }) => deviceId)),
    ]);
    return keys.map(() => undefined);
  }

  private async readPositions(requests: readonly (readonly PositionKey[])[]): Promise<Position[][]> {
    const keys = requests.flat();
    const rows = await this.database.rows('hot', READ_POSITIONS, [
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
