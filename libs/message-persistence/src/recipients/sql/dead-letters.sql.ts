import { statement } from '#database';

export interface DeadLetterRow {
  message_id: string;
  channel: string;
  seq: number;
  user_id: string;
  device_id: string;
  attempts: number;
  error: string | null;
  died_at: Date;
}

export type PlacedLetterRow = DeadLetterRow & { died_at_exactly: string };

/** Returns dead letters that were neither requeued nor purged, the oldest first, at most $1. */
export const LIST_DEAD_LETTERS = statement<DeadLetterRow>(
  'list_dead_letters',
  'work',
  `select message_id, channel, seq, user_id, device_id, attempts, error, died_at
     from trunkline.dead_letters where requeued_as is null and purged_at is null
    order by died_at, message_id limit $1`,
);

/**
 * Returns such letters of all users ($3 is null) or of user $3, after the letter with died_at $1, message $4, user $5
 * and device $6, at most $2. died_at also comes as text, because a Date would lose its microseconds.
 */
export const PAGE_DEAD_LETTERS = statement<PlacedLetterRow>(
  'page_dead_letters',
  'work',
  `select message_id, channel, seq, user_id, device_id, attempts, error, died_at, died_at::text as died_at_exactly
     from trunkline.dead_letters
    where requeued_as is null and purged_at is null and ($3::text is null or user_id = $3)
      and (died_at, message_id, user_id, device_id) > ($1::timestamptz, $4::uuid, $5::text, $6::text)
    order by died_at, message_id, user_id, device_id limit $2`,
);

/**
 * Takes a dead message off the list, for every device it died for. The row stays while the message does, because
 * without it the message, which the device's cursor has passed, would look delivered.
 */
export const PURGE_DEAD_LETTER = statement<never>(
  'purge_dead_letter',
  'work',
  'update trunkline.dead_letters set purged_at = clock_timestamp() where message_id = $1 and purged_at is null returning 1',
);

/** Takes letters that died before $1 off the list, the oldest first, at most $2, by dead_letters_died_at_idx. */
export const PURGE_DEAD_LETTERS = statement<never>(
  'purge_dead_letters',
  'work',
  `update trunkline.dead_letters set purged_at = clock_timestamp() where (channel, seq, user_id, device_id) in (
     select channel, seq, user_id, device_id from trunkline.dead_letters
      where died_at < $1 and purged_at is null order by died_at, message_id limit $2)
   returning 1`,
);

/**
 * Deletes letters that died more than $1 days ago and whose message has been removed, at most $2, by
 * dead_letters_died_at_idx. While a message is retained for somebody who is still to receive it, it can be requeued.
 */
export const FORGET_DEAD_LETTERS = statement<never>(
  'forget_dead_letters',
  'jobs',
  `delete from trunkline.dead_letters where (channel, seq, user_id, device_id) in (
     select channel, seq, user_id, device_id from trunkline.dead_letters l
      where died_at < clock_timestamp() - make_interval(days => $1::int)
        and not exists (select from trunkline.messages m where m.channel = l.channel and m.seq = l.seq)
      order by died_at limit $2)
   returning 1`,
);

/**
 * Puts a copy of a dead message into the inbox of each user it died for, because the cursors have passed the original,
 * and moving them back would repeat what was acknowledged. The rows are locked first, so that of two requests only one
 * requeues.
 */
export const REQUEUE_DEAD_LETTER = statement<{ requeued: number }>(
  'requeue_dead_letter',
  'work',
  `with locked as (
     select user_id, channel, seq from trunkline.dead_letters
      where message_id = $1 and requeued_as is null and purged_at is null
      order by channel collate "C", seq, user_id collate "C", device_id collate "C" for update
   ), dead as (
     select user_id, min(channel) as channel, min(seq) as seq, trunkline.message_id() as new_id
       from locked group by user_id
   ), copied as (
     insert into trunkline.outbox (due_at, message_id, channel, publisher, sender, type, body, metadata)
     select '-infinity', d.new_id, trunkline.inbox(d.user_id), 'trunkline', m.sender, m.type, m.body,
            (coalesce(m.metadata::jsonb, '{}') || jsonb_build_object('requeuedFrom', m.id))::text
       from dead d join trunkline.messages m on m.channel = d.channel and m.seq = d.seq and m.body is not null
     returning message_id
   ), marked as (
     update trunkline.dead_letters l set requeued_as = d.new_id
       from dead d, copied c where c.message_id = d.new_id and l.message_id = $1 and l.user_id = d.user_id
   )
   select count(*) as requeued from copied`,
);
