import { statement } from '#database';

/** Records a change before it is made. $1 key, $2 action, $3 target, $4 details, $5 request id, $6 instance. */
export const BEGIN_CHANGE = statement<{ id: number }>(
  'begin_change',
  'work',
  `insert into trunkline.admin_audit (key_name, action, target, details, request_id, instance_id)
   values ($1, $2, $3, $4, $5, $6) returning id`,
);

export const END_CHANGE = statement<never>(
  'end_change',
  'work',
  'update trunkline.admin_audit set result = $2 where id = $1',
);

export interface ChangeRow {
  id: number;
  at: Date;
  key_name: string;
  action: string;
  target: string;
  details: Record<string, unknown>;
  request_id: string | null;
  instance_id: string;
  result: string | null;
}

/** Returns changes before id $1, the newest first, at most $2; by the primary key. */
export const LIST_CHANGES = statement<ChangeRow>(
  'list_changes',
  'work',
  `select id, at, key_name, action, target, details, request_id, instance_id, result
     from trunkline.admin_audit where id < $1 order by id desc limit $2`,
);

/** Deletes changes older than $1 days, at most $2, by admin_audit_at_idx. */
export const FORGET_CHANGES = statement<never>(
  'forget_changes',
  'jobs',
  `delete from trunkline.admin_audit where id in (
     select id from trunkline.admin_audit where at < clock_timestamp() - make_interval(days => $1::int)
      order by at limit $2)
   returning 1`,
);
