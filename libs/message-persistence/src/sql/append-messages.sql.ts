import { statement } from '#database';

export interface AppendedRow {
  ord: number;
  id: string;
  seq: number;
  created_at: Date;
  outcome: 'stored' | 'repeated' | 'conflict';
}

/**
 * One group commit. Locks the rows of the batch's channels, in sorted order, until it commits; the steps stand with the
 * function in migrations/1763600100000-append.ts.
 */
export const APPEND_MESSAGES = statement<AppendedRow>(
  'append_messages',
  `select ord, id, seq, created_at, outcome
     from trunkline.append($1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                           $8::text[], $9::bigint[], $10::text[], make_interval(hours => $11::int))`,
);
