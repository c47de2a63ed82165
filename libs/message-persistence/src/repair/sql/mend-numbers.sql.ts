import { statement } from '#database';

export interface MendedSequence {
  sequence: string;
  was: number;
  last_value: number;
}

/**
 * Tells whether this role may call trunkline.mend_sequences(). It is asked first, because a refused call would count as
 * a right that is missing.
 */
export const MAY_MEND_SEQUENCES = statement<{ may_mend: boolean }>(
  'may_mend_sequences',
  'jobs',
  `select has_function_privilege('trunkline.mend_sequences()', 'execute') as may_mend`,
);

/**
 * Brings the sequences of identity columns, found in the catalog, to the end of their tables, and returns those that
 * were behind.
 */
export const MEND_SEQUENCES = statement<MendedSequence>(
  'mend_sequences',
  'jobs',
  'select sequence, was, last_value from trunkline.mend_sequences()',
);

export interface NumberedTable {
  relation: string;
  seq_column: string;
  /** Null means that the table's rows do not say when the number was given out. */
  time_column: string | null;
}

/** Lists the tables that hold seqs of channels, each partition by itself: none of these seqs may be given out again. */
export const NUMBERED_TABLES = statement<NumberedTable>(
  'numbered_tables',
  'jobs',
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

/** Raises the channels that are behind the rows of table $1 (seqs in $2, times in $3), and counts them. */
export const RAISE_SEQS = statement<{ raised: number }>(
  'raise_seqs',
  'jobs',
  'select trunkline.raise_seqs($1::regclass, $2, $3) as raised',
);

/**
 * Raises the last seq of every channel by $1, past anything that was handed out and is no longer in the tables, and
 * counts the channels. It first locks them in the order in which an append does, because otherwise each of the two
 * could hold what the other waits for.
 */
export const PUT_FORWARD = statement<{ channels: number }>(
  'put_forward',
  'jobs',
  `with locked as materialized (
     select channel from trunkline.channels order by channel collate "C" for update
   ), forward as (
     update trunkline.channels c set last_seq = c.last_seq + $1::bigint
       from locked l where l.channel = c.channel returning 1
   )
   select count(*)::int as channels from forward`,
);
