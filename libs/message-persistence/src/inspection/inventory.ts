import type { Database } from '#database';
import {
  COUNT_MEMBERS,
  FIND_CHANNEL,
  LIST_CHANNELS,
  LIST_MEMBERS,
  type ChannelRow,
  type MemberRow,
} from './sql/list-channels.sql.js';
import {
  LIST_CURSORS,
  LIST_DEVICES,
  LIST_USERS,
  type CursorRow,
  type DeviceRow,
  type UserRow,
} from './sql/list-users.sql.js';

/** Lists users, devices, channels and members for operators, a page at a time. */
export class Inventory {
  constructor(private readonly database: Database) {}

  /** @param after the page begins after this user; an empty string means from the first */
  users(after: string, limit: number): Promise<UserRow[]> {
    return this.database.rows(LIST_USERS, [after, limit]);
  }

  devicesOf(user: string): Promise<DeviceRow[]> {
    return this.database.rows(LIST_DEVICES, [user]);
  }

  /** Returns how far each device has come in each channel: at most 1000 cursors, those furthest behind first. */
  cursorsOf(user: string): Promise<CursorRow[]> {
    return this.database.rows(LIST_CURSORS, [user]);
  }

  channels(prefix: string, after: string, limit: number): Promise<ChannelRow[]> {
    return this.database.rows(LIST_CHANNELS, [after, prefix, limit]);
  }

  /** Finds a channel. Undefined means that nothing was published to it and it has no members. */
  async channel(name: string): Promise<(ChannelRow & { members: number }) | undefined> {
    const [row] = await this.database.rows(FIND_CHANNEL, [name]);
    if (row) return row;
    const [count] = await this.database.rows(COUNT_MEMBERS, [name]);
    return count && count.members > 0
      ? { channel: name, last_seq: 0, last_at: null, members: count.members }
      : undefined;
  }

  members(channel: string, after: string, limit: number): Promise<MemberRow[]> {
    return this.database.rows(LIST_MEMBERS, [channel, after, limit]);
  }
}
