import { statement } from '#database';

export interface PositionRow {
  ord: number;
  /** The seq up to which the device has come; delivery goes on after it. */
  seq: number;
  last_seq: number;
  last_at: Date;
  epoch: number;
  is_member: boolean;
}

/** Returns where devices stand in channels, in one snapshot with the channels' ends. */
export const READ_POSITIONS = statement<PositionRow>(
  'read_positions',
  'hot',
  `select w.ord, coalesce(c.last_seq, 0) as last_seq, coalesce(c.last_at, '-infinity') as last_at,
          coalesce(c.epoch, 0) as epoch, m.user_id is not null as is_member,
          least(greatest(
            coalesce(cu.delivered_seq, case when w.channel = 'broadcast' then c.last_seq else 0 end),
            coalesce(m.joined_seq, 0), 0), coalesce(c.last_seq, 0)) as seq
     from unnest($1::text[], $2::text[], $3::text[]) with ordinality as w (user_id, device_id, channel, ord)
     left join trunkline.channels c on c.channel = w.channel
     left join trunkline.cursors cu
       on cu.user_id = w.user_id and cu.device_id = w.device_id and cu.channel = w.channel
     left join trunkline.memberships m on m.channel = w.channel and m.user_id = w.user_id
    order by w.ord`,
);
