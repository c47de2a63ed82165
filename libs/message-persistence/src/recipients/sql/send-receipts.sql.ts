import { statement } from '#database';

/**
 * SQL for the part of a statement that tells authors how far a reader has come in their messages. The receipts go
 * through the outbox, and so into the transaction that moves the cursor: neither is lost without the other. What a
 * reader was reported to have reached before, with any of its devices, is not reported again. A receipt has a collapse
 * key, because the newest one about a reader says all that the earlier ones say. Rows are locked in the order of
 * receipts_pkey.
 * @param ranges SQL for rows with channel, from_seq, to_seq, user_id, device_id
 * @param condition SQL for what else must be true of message m and range r
 */
export function sendReceipts(state: 'delivered' | 'read', ranges: string, condition: string): string {
  return `asking as materialized (
     select r.channel, r.from_seq, r.to_seq, m.seq, m.sender, m.expires_at
       from (select distinct channel, from_seq, to_seq from (${ranges}) as r) as r
       join trunkline.messages m on m.channel = r.channel and m.seq between r.from_seq and r.to_seq
      where m.controls -> 'receipts' ? '${state}' and m.sender is not null
   ), reached as (
     select m.sender as author, r.channel, r.user_id, max(m.seq) as seq
       from (${ranges}) as r
       join asking m using (channel, from_seq, to_seq)
      where m.sender <> r.user_id and ${condition}
      group by m.sender, r.channel, r.user_id
   ), progress as (
     insert into trunkline.receipts as p (author, channel, user_id, state, seq)
     select author, channel, user_id, '${state}', seq from reached n
      where not exists (
            select from trunkline.receipts k
             where k.author = n.author and k.channel = n.channel and k.user_id = n.user_id and k.state = '${state}'
               and k.seq >= n.seq)
      order by author collate "C", channel collate "C", user_id collate "C"
     on conflict (author, channel, user_id, state) do update
       set seq = excluded.seq, updated_on = excluded.updated_on where p.seq < excluded.seq
     returning author, channel, user_id, seq
   ), receipts as (
     insert into trunkline.outbox (due_at, message_id, channel, publisher, type, body, controls)
     select '-infinity', trunkline.message_id(), trunkline.inbox(author), 'trunkline', 'trunkline.receipt',
            json_build_object('state', '${state}', 'channel', channel, 'seq', seq, 'user', user_id, 'at',
                              to_char(clock_timestamp() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))::text,
            json_build_object('collapseKey', json_build_array('${state}', channel, user_id)::text)::text
       from progress
   )`;
}

/**
 * Deletes the notes of what was reported of readers once every message they can be about is gone: notes older than $1
 * days and than every partition that is left, at most $2, by receipts_updated_on_idx.
 */
export const FORGET_RECEIPTS = statement<never>(
  'forget_receipts',
  'jobs',
  `delete from trunkline.receipts where (author, channel, user_id, state) in (
     select author, channel, user_id, state from trunkline.receipts
      where updated_on < least((clock_timestamp() at time zone 'utc')::date - $1::int,
                               (select to_date(right(min(name), 10), 'YYYY_MM_DD')
                                  from trunkline.old_partitions('messages', 'infinity') as name))
      order by updated_on limit $2)
   returning 1`,
);
