import { statement } from '#database';

export interface AppendedRow {
  /** One seq for each item, in order, separated by commas: a row for each would cost more than the numbering. */
  seqs: string;
  /** One time for each item in the same form, in milliseconds since 1970. */
  times: string;
  /** What became of each item, in order; null means that all were stored. */
  outcomes: ('stored' | 'repeated' | 'conflict')[] | null;
  /** The ids under which the items are stored, in order; null (with `outcomes`) means that each has its own. */
  ids: string[] | null;
  /** The database's clock when it numbered the items, in milliseconds since 1970. A channel's time may be ahead. */
  present_ms: number;
}

/**
 * Stores a batch in one group commit. It locks the rows of the batch's channels, in sorted order, until it commits. The
 * steps are explained where migrations/ defines the function.
 */
export const APPEND_MESSAGES = statement<AppendedRow>(
  'append_messages',
  'append',
  `select array_to_string(seqs, ',') as seqs, outcomes, case when outcomes is not null then stored_ids::text[] end as ids,
          array_to_string(array(select date_part('epoch', at) * 1000 from unnest(times) as at), ',') as times,
          date_part('epoch', present) * 1000 as present_ms
     from trunkline.append($1::text[], $2::text[]::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                           $8::text[], $9::text[]::bigint[], $10::text[], make_interval(hours => $11::int))`,
);
