import { Batcher, type Database } from '#database';
import type { ChannelPresence, UserPresence } from '#protocol';
import { RecentAnswers } from './recent-answers.js';
import { READ_PRESENCE } from './sql/presence.sql.js';

/** An answer names at most this many users; its counts cover all of them. */
const MAX_USERS = 1_000;
/** Few answers are kept, because one with `MAX_USERS` users takes 200 KB of memory. */
const RECENT = { keepMs: 500, maxAnswers: 100 };
/** Answers who is online. An answer may be half a second old, and those of one moment are read in one statement. */
export class PresenceAnswers {
  private readonly recent = new RecentAnswers<ChannelPresence>(RECENT);
  private readonly queries: Batcher<string, ChannelPresence>;

  constructor(private readonly database: Database) {
    this.queries = new Batcher<string, ChannelPresence>({ run: (channels) => this.readAll(channels), maxItems: 100 });
  }

  of(channel: string): Promise<ChannelPresence> {
    return this.recent.get(channel, () => this.queries.add(channel), performance.now());
  }

  /** Makes the next answer a new one. */
  forget(channel: string): void {
    this.recent.forget(channel);
  }

  private async readAll(channels: readonly string[]): Promise<ChannelPresence[]> {
    const answers = new Map<string, ChannelPresence>();
    for (const channel of channels) answers.set(channel, { channel, members: 0, online: 0, users: [] });
    const rows = await this.database.rows('work', READ_PRESENCE, [[...answers.keys()], MAX_USERS]);
    for (const row of rows) {
      const answer = answers.get(row.channel);
      if (!answer) continue;
      answer.members = row.members;
      answer.online = row.online;
      answer.users.push(toUserPresence(row));
    }
    return channels.map((channel) => answers.get(channel) ?? { channel, members: 0, online: 0, users: [] });
  }
}

export function toUserPresence(row: { user_id: string; is_online: boolean; last_seen_at: Date | null }): UserPresence {
  return { user: row.user_id, isOnline: row.is_online, lastSeenAt: row.last_seen_at?.toISOString() ?? null };
}
