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

/** What was given up and not requeued, oldest first. */
export const LIST_DEAD_LETTERS = statement<DeadLetterRow>(
  'list_dead_letters',
  `select message_id, channel, seq, user_id, device_id, attempts, error, died_at
     from trunkline.dead_letters where requeued_as is null order by died_at, message_id limit $1`,
);

/**
 * Puts a copy of a dead message into the inbox of each user it died for: its old place is behind their cursors, and
 * moving those back would repeat what was acknowledged. Rows are locked first, so that of two requests one requeues.
 */
export const REQUEUE_DEAD_LETTER = statement<{ requeued: number }>(
  'requeue_dead_letter',
  `with locked as (
     select user_id, channel, seq from trunkline.dead_letters
      where message_id = $1 and requeued_as is null
      order by channel collate "C", seq, user_id collate "C", device_id collate "C" for update
   ), dead as (
     select user_id, min(channel) as channel, min(seq) as seq, trunkline.message_id() as new_id
       from locked group by user_id
   ), copied as (
     insert into trunkline.outbox (due_at, message_id, channel, publisher, sender, type, body, metadata)
     select '-infinity', d.new_id, 'user:' || d.user_id, 'trunkline', m.sender, m.type, m.body,
            (coalesce(m.metadata::jsonb, '{}') || jsonb_build_object('requeuedFrom', m.id))::text
       from dead d join trunkline.messages m on m.channel = d.channel and m.seq = d.seq
     returning message_id
   ), marked as (
     update trunkline.dead_letters l set requeued_as = d.new_id
       from dead d, copied c where c.message_id = d.new_id and l.message_id = $1 and l.user_id = d.user_id
   )
   select count(*) as requeued from copied`,
);
