import { statement } from '#database';
import type { EndReason } from './sessions.sql.js';

export interface EndedRow {
  read_at: Date;
  /** The user about whom the row is; null means that nothing ended. */
  user_id: string | null;
  /** This session ended; if it is null, this token; if both are null, everything issued until `refused_until`. */
  session_id: string | null;
  token_id: string | null;
  /** Why the session ended; null means that it began again. */
  end_reason: EndReason | null;
  /** Tokens issued until this time are refused; Infinity means every token. */
  refused_until: Date | number | null;
  /** The user is banned until this time; Infinity means that no end is known. */
  banned_until: Date | number | null;
}

/**
 * Finds what ended since the last look at $1 (null means within the last $2 ms), and 15 seconds before, because a
 * commit may come later than the time that it wrote. There is at least one row, which tells the time. Each table is
 * read by its index on the time of the end.
 */
export const FIND_ENDED = statement<EndedRow>(
  'find_ended',
  'work',
  `select n.read_at, e.*
     from (select clock_timestamp() as read_at,
                  coalesce($1::timestamptz, clock_timestamp() - $2 * interval '1 millisecond') - interval '15 seconds' as since) as n
     left join lateral (
       select s.user_id, s.session_id, null::text as token_id, s.end_reason, s.refused_until, null::timestamptz as banned_until
         from trunkline.sessions s where s.ended_at > n.since
        union all
       select t.user_id, null, t.token_id, null, null, null from trunkline.session_tokens t where t.refused_at > n.since
        union all
       select r.user_id, null, null, null, r.refused_until, null from trunkline.revocations r where r.revoked_at > n.since
        union all
       select b.user_id, null, null, null, null, b.banned_until from trunkline.bans b
        where b.banned_at > n.since and b.banned_until > clock_timestamp()) as e on true`,
);
