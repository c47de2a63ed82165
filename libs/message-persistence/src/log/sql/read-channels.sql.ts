import { statement } from '#database';
import type { DeliveryOptions } from '../delivery-options.js';
import { unavailableReason } from './unavailable-reason.sql.js';

export interface ReadRow {
  ord: number;
  last_seq: number;
  epoch: number;
  read_at_ms: number;
  seq: number | null;
  id: string;
  sender: string | null;
  type: string;
  body: string | null;
  metadata: string | null;
  controls: DeliveryOptions | null;
  /** The reason why the message is not handed out; null means that it is. */
  gone: 'expired' | 'cancelled' | 'collapsed' | null;
  created_at: Date;
  expires_at: Date | null;
}

type Columns = readonly [
  ...[ord: number, lastSeq: number, epoch: number, readAtMs: number, seq: number | null, id: string],
  ...[
    sender: string | null,
    type: string,
    body: string | null,
    metadata: string | null,
    controls: DeliveryOptions | null,
  ],
  ...[gone: ReadRow['gone'], createdAt: Date, expiresAt: Date | null],
];

/** Makes a row of its columns, which are in the order of the statement. */
function toRow(columns: Columns): ReadRow {
  return {
    ord: columns[0],
    last_seq: columns[1],
    epoch: columns[2],
    read_at_ms: columns[3],
    seq: columns[4],
    id: columns[5],
    sender: columns[6],
    type: columns[7],
    body: columns[8],
    metadata: columns[9],
    controls: columns[10],
    gone: columns[11],
    created_at: columns[12],
    expires_at: columns[13],
  };
}

/**
 * Reads what came after a position, for many channels in one statement and so in one snapshot: a seq missing between
 * two returned ones, or before the first, is gone for good. A channel without news gives no row and costs one probe of
 * the primary key. Readers pass the time of their position's message (`since`): created_at never falls along seq, so
 * older partitions are pruned (11 daily partitions: 6 µs a channel with the bound, 32 µs without).
 * If $7 is true, only the newest message of a collapse key is handed out, as for devices that were away.
 * A page ends after $5 messages or $6 bytes of bodies, but has at least one message. A message that is not handed out
 * comes without its body.
 */
export const READ_CHANNELS = statement<ReadRow>(
  'read_channels',
  'hot',
  `select w.ord, c.last_seq, c.epoch, date_part('epoch', clock_timestamp()) * 1000 as read_at_ms, m.seq, m.id, m.sender, m.type,
          case when m.gone is null then m.body end as body,
          m.metadata, m.controls, m.gone, m.created_at, m.expires_at
     from unnest($1::text[], $2::bigint[], $3::timestamptz[], $4::int[])
          with ordinality as w (channel, from_seq, since, epoch, ord)
     join trunkline.channels c
       on c.channel = w.channel and (c.last_seq > w.from_seq or c.epoch <> w.epoch)
     left join lateral (
          select * from (
            select n.*, ${unavailableReason('$7::boolean')} as gone,
                   sum(octet_length(n.body)) over (order by n.seq) - coalesce(octet_length(n.body), 0) as bytes_before
              from (select * from trunkline.messages
                     where channel = w.channel and seq > w.from_seq and created_at >= w.since
                     order by seq limit $5) as n) as sized
           where coalesce(bytes_before, 0) < $6) as m on true
    order by w.ord, m.seq`,
  toRow,
);
