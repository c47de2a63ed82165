import { Grant, ProtocolError, rest, UserId } from '#protocol';
import { z } from 'zod';

/**
 * Times, in seconds since 1970, are capped at the end of the year 9999, so that an issuer who means milliseconds still
 * gives a date that can be stored.
 */
export const LAST_SECOND = 253_402_300_799;

/** A claim that is a time counts seconds since 1970 and may have a fraction. */
const Seconds = z.number('is not a number of seconds since 1970');

const Claims = z.object(
  {
    sub: UserId,
    exp: Seconds,
    nbf: Seconds.optional(),
    /** A token without `iat` counts as issued in 1970, so every revocation applies to it. */
    iat: Seconds.default(0),
    sid: rest.SessionId.refine(
      (sid) => !sid.startsWith('device:'),
      'begins with device:, as only sessions without a sid do',
    ).optional(),
    grants: z.array(Grant).max(100).default([]),
  },
  'its claims are no object',
);
export type Claims = z.infer<typeof Claims>;

/** @throws ProtocolError TOKEN_INVALID, which names the claim and what is wrong with it */
export function readClaims(payload: unknown): Claims {
  const result = Claims.safeParse(payload);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const name = issue?.path[0];
  const isMissing = typeof name === 'string' && !Object.hasOwn(payload as object, name);
  throw invalid(`${issue?.path.join('.') ?? ''} ${isMissing ? 'is missing' : (issue?.message ?? '')}`.trim());
}

/**
 * Checks `exp` and `nbf` by this instance's clock. Whether a token was issued in the future is judged by the database,
 * because its clock gives the times of the revocations.
 * @throws ProtocolError TOKEN_EXPIRED, TOKEN_INVALID
 */
export function assertTimes({ exp, nbf = 0 }: Claims, nowMs: number, toleranceMs: number): void {
  const [now, tolerance] = [nowMs / 1_000, toleranceMs / 1_000];
  if (now >= exp + tolerance)
    throw new ProtocolError('TOKEN_EXPIRED', `token: is past its exp, since ${ago(now - exp)}`);
  if (nbf > now + tolerance) throw invalid(`nbf lies ${ago(nbf - now)} ahead: it is not valid yet`);
}

function invalid(reason: string): ProtocolError {
  return new ProtocolError('TOKEN_INVALID', `token: ${reason}`);
}

function ago(seconds: number): string {
  return `${Math.ceil(seconds)} s`;
}
