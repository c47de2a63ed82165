import { statement } from '#database';

export interface BacklogRow {
  undelivered: number;
  /** Messages published from SQL or scheduled, and receipts, that have yet to enter their channel; no rejected ones. */
  outbox_waiting: number;
  outbox_due: number;
  outbox_age_s: number;
  outbox_rejected: number;
  dead_letters: number;
}

/**
 * Measures what waits in the tables, at a bounded cost however large they are. About $1 pages of cursors are sampled (a
 * page has some 80 of them), with one probe of an index for each cursor (a join would read all channels), and the sum
 * is scaled up. Everything else is counted up to $2. A cursor also stays behind messages that have expired, until its
 * device comes back.
 */
export const READ_BACKLOG = statement<BacklogRow>(
  'read_backlog',
  'work',
  `with share as (
     select least(100, 100.0 * $1 / greatest(1, pg_relation_size('trunkline.cursors') / current_setting('block_size')::int))
              as percent
   ), due as (
     select greatest(due_at, created_at) as since from trunkline.outbox
      where error is null and due_at <= now() order by due_at, id limit $2
   ), head as (
     select error from trunkline.outbox order by id limit $2
   )
   select round(coalesce((
            select sum(greatest(0, (select last_seq from trunkline.channels ch where ch.channel = c.channel) - c.delivered_seq))
              from trunkline.cursors c tablesample system ((select percent from share))), 0) * 100 / (select percent from share))::float8 as undelivered,
          (select count(*) filter (where error is null) from head) as outbox_waiting,
          (select count(error) from head) as outbox_rejected,
          (select count(*) from due) as outbox_due,
          (select coalesce(extract(epoch from now() - min(since)), 0)::float8 from due) as outbox_age_s,
          (select count(*) from (select from trunkline.dead_letters where requeued_as is null and purged_at is null limit $2) as dead) as dead_letters`,
);
