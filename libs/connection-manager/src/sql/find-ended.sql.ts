import { statement } from '#database';
import type { EndReason } from './sessions.sql.js';

export interface EndedRow {
  read_at: Date;
  /** Null: nothing ended. */
  user_id: string | null;
  /** What ended: this session, or else this token, or else everything issued until `refused_until`. */
  session_id: string | null;
  token_id: string | null;
  /** Null: the session began again. */
  end_reason: EndReason | null;
  /** Infinity: every token. */
  refused_until: Date | number | null;
  /** The user is banned until then; Infinity: no end is known. */
  banned_until: Date | number | null;
}

/**
 * What ended since the last look ($1; null: within $2 ms), and a while before: a commit may come later than its time. At
 * least one row, for the time. Each table by its index on that time.
 */
export const FIND_ENDED = statement<EndedRow>(
  'find_ended',
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
