import { statement } from '#database';

export interface MendedSequence {
  sequence: string;
  was: number;
  last_value: number;
}

/** Whether this role may call the function of the next one: asked first, as a refusal would count as a missing right. */
export const MAY_MEND_SEQUENCES = statement<{ is_so: boolean }>(
  'may_mend_sequences',
  `select has_function_privilege('trunkline.mend_sequences()', 'execute') as is_so`,
);

/** Brings the sequences of identity columns, found in the catalog, to the end of their tables; those that were behind. */
export const MEND_SEQUENCES = statement<MendedSequence>(
  'mend_sequences',
  'select sequence, was, last_value from trunkline.mend_sequences()',
);

export interface NumberedTable {
  relation: string;
  seq_column: string;
  /** Null: its rows do not say when the number was given out. */
  time_column: string | null;
}

/** Where numbers of channels stand, each partition by itself: none of them may be given out again. */
export const NUMBERED_TABLES = statement<NumberedTable>(
  'numbered_tables',
  `select format('trunkline.%I', c.relname) as relation, s.seq_column, s.time_column
     from (values ('trunkline.messages', 'seq', 'created_at'), ('trunkline.publish_ids', 'seq', 'created_at'),
                  ('trunkline.cursors', 'delivered_seq', null), ('trunkline.memberships', 'joined_seq', null),
                  ('trunkline.claims', 'seq', null), ('trunkline.dead_letters', 'seq', null),
                  ('trunkline.receipts', 'seq', null))
          as s (name, seq_column, time_column)
     left join lateral pg_partition_tree(s.name::regclass) as part on true
     join pg_class c on c.oid = coalesce(part.relid, s.name::regclass)
    where part.relid is null or part.isleaf
    order by 1`,
);

/** How many channels were behind the rows of table $1. */
export const RAISE_SEQS = statement<{ raised: number }>(
  'raise_seqs',
  'select trunkline.raise_seqs($1::regclass, $2, $3) as raised',
);

/**
 * Past anything that was handed out and is not in the tables any more; how many channels there are. It first locks them
 * in the order in which appending does: otherwise each of the two could hold what the other waits for.
 */
export const PUT_FORWARD = statement<{ channels: number }>(
  'put_forward',
  `with locked as materialized (
     select channel from trunkline.channels order by channel collate "C" for update
   ), forward as (
     update trunkline.channels c set last_seq = c.last_seq + $1::bigint
       from locked l where l.channel = c.channel returning 1
   )
   select count(*)::int as channels from forward`,
);
