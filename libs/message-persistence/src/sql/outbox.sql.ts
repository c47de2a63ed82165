import { statement } from '#database';

/**
 * Puts a message into the outbox until it is due. With a publish id that waits there already, the first one counts.
 * $1 due_at, $2 id, $3 channel, $4 publisher, $5 sender, $6 type, $7 body, $8 metadata, $9 controls, $10 ttl, $11 publish id.
 */
export const SCHEDULE_MESSAGE = statement<{ message_id: string; due_at: Date }>(
  'schedule_message',
  `with inserted as (
     insert into trunkline.outbox (due_at, message_id, channel, publisher, sender, type, body, metadata, controls, ttl_ms, publish_id)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
     on conflict (channel, publish_id, publisher) where publish_id is not null do nothing
     returning message_id, due_at
   )
   select message_id, due_at from inserted
   union all
   select message_id, due_at from trunkline.outbox
    where channel = $3 and publish_id = $11 and publisher = $4 and not exists (select from inserted)`,
);

export interface DrainedRow {
  channel: string;
  message_id: string;
  seq: number;
  outcome: string;
}

/** Moves up to $1 committed, due messages into their channels; nothing while another instance is at it. $3 to $5: default ttl. */
export const DRAIN_OUTBOX = statement<DrainedRow>(
  'drain_outbox',
  `select channel, message_id, seq, outcome from trunkline.drain_outbox($1, make_interval(hours => $2::int), $3, $4, $5)`,
);

/** Puts aside the first due message, which append refuses, so that the others go on. */
export const REJECT_FIRST = statement<{ message_id: string }>(
  'reject_first',
  `update trunkline.outbox set error = $1 where id = (
     select id from trunkline.outbox where error is null and due_at <= clock_timestamp() order by due_at, id limit 1
        for update skip locked)
   returning message_id`,
);

/** Takes back a message that is not published yet; $2 is its publisher. */
export const CANCEL_SCHEDULED = statement<{ publisher: string; is_own: boolean }>(
  'cancel_scheduled',
  `with gone as (delete from trunkline.outbox where message_id = $1 and publisher = $2 returning publisher)
   select publisher, true as is_own from gone
   union all
   select publisher, false from trunkline.outbox where message_id = $1 and publisher <> $2`,
);

/**
 * Ends a stored message now, for every device that has not got it. $2 is the user whose message it has to be, or null
 * for a back end, which may take back any.
 */
export const CANCEL_STORED = statement<{ is_own: boolean }>(
  'cancel_stored',
  `with found as (select channel, seq, created_at, sender is not distinct from $2 or $2 is null as is_own
                    from trunkline.messages where id = $1),
        ended as (
          update trunkline.messages m
             set expires_at = least(m.expires_at, clock_timestamp()),
                 controls = coalesce(m.controls, '{}') || jsonb_build_object('cancelled', true)
            from found f
           where f.is_own and m.channel = f.channel and m.seq = f.seq and m.created_at = f.created_at)
   select is_own from found`,
);
