import { statement } from '#database';

export interface AppendedRow {
  /** One for each item, in order, separated by commas; as a row each, they would cost more than the numbering. */
  seqs: string;
  /** Milliseconds since 1970, likewise. */
  times: string;
  /** Null if all were stored; else what became of each, in order. */
  outcomes: ('stored' | 'repeated' | 'conflict')[] | null;
  /** Of what is stored, where not all is the items' own: in order. */
  ids: string[] | null;
  /** The database's clock when it numbered them, milliseconds since 1970; a channel's own time may be ahead of it. */
  present_ms: number;
}

/**
 * One group commit. Locks the rows of the batch's channels, in sorted order, until it commits; the steps stand with the
 * function in migrations/1763601100000-append-arrays.ts and 1763602200000-present.ts.
 */
export const APPEND_MESSAGES = statement<AppendedRow>(
  'append_messages',
  `select array_to_string(seqs, ',') as seqs, outcomes, case when outcomes is not null then stored_ids::text[] end as ids,
          array_to_string(array(select date_part('epoch', at) * 1000 from unnest(times) as at), ',') as times,
          date_part('epoch', present) * 1000 as present_ms
     from trunkline.append($1::text[], $2::text[]::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                           $8::text[], $9::text[]::bigint[], $10::text[], make_interval(hours => $11::int))`,
);
