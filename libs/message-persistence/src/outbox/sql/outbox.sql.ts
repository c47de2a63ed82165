import { statement } from '#database';

export interface ScheduledRow {
  /** Null means that nothing was stored: the time is too far ahead, too many wait, or the publish id is taken. */
  message_id: string | null;
  due_at: Date | null;
  is_too_far: boolean;
  is_full: boolean;
}

/**
 * Puts a message into the outbox until it is due, unless its publish id is taken, its time is more than a year ahead,
 * or its publisher, a user, has $13 messages waiting (0 means any number). These are counted by outbox_user_idx;
 * statements that run at the same moment do not see each other's.
 * $1 due_at, $2 id, $3 channel, $4 publisher, $5 sender, $6 type, $7 body, $8 metadata, $9 controls, $10 ttl in
 * milliseconds, $11 publish id, $12 hours of the dedupe window.
 */
export const SCHEDULE_MESSAGE = statement<ScheduledRow>(
  'schedule_message',
  'work',
  `with checked as (
     select $1::timestamptz > trunkline.latest_due() as is_too_far,
            $13::int > 0 and (select count(*) from (select from trunkline.outbox
                                where publisher = $4 and publisher like 'user:%' limit $13) as own) >= $13 as is_full
   ), stored as (
     insert into trunkline.outbox (due_at, message_id, channel, publisher, sender, type, body, metadata, controls, ttl_ms, publish_id)
     select $1, $2::uuid, $3::text, $4::text, $5::text, $6::text, $7::text, $8::text, $9::text, $10::bigint, $11::text
       from checked
      where not is_too_far and not is_full and not exists (
            select from trunkline.publish_ids
             where channel = $3 and publish_id = $11 and publisher = $4
               and created_at > now() - make_interval(hours => $12::int))
     on conflict (channel, publish_id, publisher) where publish_id is not null do nothing
     returning message_id, due_at
   )
   select s.message_id, s.due_at, c.is_too_far, c.is_full from checked c left join stored s on true`,
);

/**
 * Finds the message that has publish id $3 of publisher $2 in channel $1, whether it waits or was published already,
 * and tells whether its type is $4 and its body $5. This is a statement of its own, because the one that met the id
 * could not see a message that was stored at the same moment. $6 hours of the dedupe window.
 */
export const FIND_SCHEDULED = statement<{ message_id: string; due_at: Date; is_same: boolean }>(
  'find_scheduled',
  'work',
  `select message_id, due_at, type = $4 and trunkline.is_same_json(body, $5) as is_same
     from trunkline.outbox where channel = $1 and publisher = $2 and publish_id = $3
    union all
   select p.message_id, p.created_at, m.body is null or (m.type = $4 and trunkline.is_same_json(m.body, $5))
     from trunkline.publish_ids p
     left join trunkline.messages m on m.channel = p.channel and m.seq = p.seq and m.created_at = p.created_at
    where p.channel = $1 and p.publisher = $2 and p.publish_id = $3
      and p.created_at > now() - make_interval(hours => $6::int)
    limit 1`,
);

export interface DrainedRow {
  channel: string;
  message_id: string;
  seq: number;
  outcome: string;
}

/**
 * Moves up to $1 committed messages that are due into their channels, and none while another instance does it. $2 hours
 * of the dedupe window, $3 to $5 the default ttl in inboxes, groups and broadcast, in milliseconds.
 */
export const DRAIN_OUTBOX = statement<DrainedRow>(
  'drain_outbox',
  'hot',
  `select channel, message_id, seq, outcome from trunkline.drain_outbox($1, make_interval(hours => $2::int), $3, $4, $5)`,
);

/**
 * Returns how long the first due message has waited. It reads the first entry of outbox_due_idx, however many there
 * are. What is published from SQL is due at -infinity, so it waits since it was created.
 */
export const OLDEST_DUE = statement<{ age_ms: number }>(
  'oldest_due',
  'health',
  `select extract(epoch from clock_timestamp() - greatest(due_at, created_at))::float8 * 1000 as age_ms
     from trunkline.outbox where error is null and due_at <= clock_timestamp() order by due_at, id limit 1`,
);

const FIRST_DUE = `select id from trunkline.outbox
  where error is null and due_at <= clock_timestamp() order by due_at, id limit 1`;

/** Returns the first due message, and whether others are due as well. */
export const FIND_FIRST_DUE = statement<{ id: number; message_id: string; has_others: boolean }>(
  'find_first_due',
  'work',
  `select id, message_id,
          exists (select from trunkline.outbox o where o.error is null and o.due_at <= clock_timestamp() and o.id <> f.id) as has_others
     from trunkline.outbox f where id = (${FIRST_DUE})`,
);

/**
 * Puts aside message $1, which failed to enter its channel, with its error $2, so that the others go on. It does so
 * only while the message is the first, because otherwise another one has come before it meanwhile, and that one failed.
 */
export const PUT_ASIDE = statement<{ id: number }>(
  'put_aside',
  'work',
  `update trunkline.outbox set error = $2 where id = $1 and id = (${FIRST_DUE}) returning id`,
);

export const TAKE_BACK = statement<never>(
  'take_back',
  'work',
  'update trunkline.outbox set error = null where id = any ($1::bigint[])',
);

/** Deletes message $1, which is not published yet, if $2 is its publisher. */
export const CANCEL_SCHEDULED = statement<{ publisher: string; is_own: boolean }>(
  'cancel_scheduled',
  'work',
  `with gone as (delete from trunkline.outbox where message_id = $1 and publisher = $2 returning publisher)
   select publisher, true as is_own from gone
   union all
   select publisher, false from trunkline.outbox where message_id = $1 and publisher <> $2`,
);

/**
 * Ends stored message $1 now, for every device that has not received it, unless it has ended before. $2 is the user who
 * must have sent it, or null for a back end, which may cancel any.
 */
export const CANCEL_STORED = statement<{ is_own: boolean }>(
  'cancel_stored',
  'work',
  `with found as (select channel, seq, created_at, sender is not distinct from $2 or $2 is null as is_own
                    from trunkline.messages where id = $1),
        ended as (
          update trunkline.messages m
             set expires_at = clock_timestamp(),
                 controls = coalesce(m.controls, '{}') || jsonb_build_object('cancelled', true)
            from found f
           where f.is_own and m.channel = f.channel and m.seq = f.seq and m.created_at = f.created_at
              and (m.expires_at is null or m.expires_at > clock_timestamp()))
   select is_own from found`,
);
