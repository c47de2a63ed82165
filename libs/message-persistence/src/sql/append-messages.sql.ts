import { statement } from '#database';

export interface AppendedRow {
  /** One for each item, in order, separated by commas; as a row each, they would cost more than the numbering. */
  seqs: string;
  /** Milliseconds since 1970, likewise. */
  times: string;
  /** The items whose publish id was stored before, with what the first one got. */
  repeats: { ord: number; id: string; conflict: boolean }[] | null;
}

/**
 * One group commit. Locks the rows of the batch's channels, in sorted order, until it commits; the steps stand with the
 * function in migrations/1763600100000-append.ts.
 */
export const APPEND_MESSAGES = statement<AppendedRow>(
  'append_messages',
  `select string_agg(seq::text, ',' order by ord) as seqs,
          string_agg((date_part('epoch', created_at) * 1000)::text, ',' order by ord) as times,
          json_agg(json_build_object('ord', ord, 'id', id, 'conflict', outcome = 'conflict'))
            filter (where outcome <> 'stored') as repeats
     from trunkline.append($1::text[], $2::text[]::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                           $8::text[], $9::text[]::bigint[], $10::text[], make_interval(hours => $11::int))`,
);
