import { statement } from '#database';

export interface ChannelRow {
  channel: string;
  last_seq: number;
  /** Null means that nothing was ever published to the channel. */
  last_at: Date | number | null;
}

/** Returns channels after $1 that begin with $2, in order, at most $3; by the primary key, which sorts by bytes. */
export const LIST_CHANNELS = statement<ChannelRow>(
  'list_channels',
  'work',
  `select channel, last_seq, nullif(last_at, '-infinity') as last_at
     from trunkline.channels where channel > $1 and channel >= $2 and starts_with(channel, $2)
      and channel < $2 || chr(1114111)
    order by channel limit $3`,
);

export const FIND_CHANNEL = statement<ChannelRow & { members: number }>(
  'find_channel',
  'work',
  `select channel, last_seq, nullif(last_at, '-infinity') as last_at,
          (select count(*) from trunkline.memberships m where m.channel = c.channel) as members
     from trunkline.channels c where channel = $1`,
);

/** Counts the members of a group that has no row in channels, because nothing was published to it. */
export const COUNT_MEMBERS = statement<{ members: number }>(
  'count_members',
  'work',
  'select count(*) as members from trunkline.memberships where channel = $1',
);

export interface MemberRow {
  user_id: string;
  joined_seq: number;
  joined_at: Date;
  devices: number;
}

/** Returns members of group $1 after user $2, in order, at most $3; by the primary key. */
export const LIST_MEMBERS = statement<MemberRow>(
  'list_members',
  'work',
  `select m.user_id, m.joined_seq, m.joined_at,
          (select count(*) from trunkline.devices d where d.user_id = m.user_id) as devices
     from trunkline.memberships m where m.channel = $1 and m.user_id > $2 order by m.user_id limit $3`,
);
