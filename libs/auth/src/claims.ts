import { Fault, Grant, rest, UserId } from '#protocol';
import { z } from 'zod';

/** The last moment of the year 9999, in seconds: who means milliseconds gets a date that can be stored all the same. */
export const LAST_SECOND = 253_402_300_799;

/** Seconds since 1970, with a fraction if the issuer likes. */
const Seconds = z.number('is not a number of seconds since 1970');

const Claims = z.object(
  {
    sub: UserId,
    exp: Seconds,
    nbf: Seconds.optional(),
    /** One without is as old as can be: no revocation spares it. */
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

/** @throws Fault TOKEN_INVALID, which names the claim and what is wrong with it */
export function readClaims(payload: unknown): Claims {
  const result = Claims.safeParse(payload);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const name = issue?.path[0];
  const isMissing = typeof name === 'string' && !Object.hasOwn(payload as object, name);
  throw invalid(`${issue?.path.join('.') ?? ''} ${isMissing ? 'is missing' : (issue?.message ?? '')}`.trim());
}

/**
 * By this instance's clock. Whether a token was issued in the future is for the database to say, whose times the
 * revocations are.
 * @throws Fault TOKEN_EXPIRED, TOKEN_INVALID
 */
export function assertTimes({ exp, nbf = 0 }: Claims, nowMs: number, toleranceMs: number): void {
  const [now, tolerance] = [nowMs / 1_000, toleranceMs / 1_000];
  if (now >= exp + tolerance) throw new Fault('TOKEN_EXPIRED', `token: is past its exp, since ${ago(now - exp)}`);
  if (nbf > now + tolerance) throw invalid(`nbf lies ${ago(nbf - now)} ahead: it is not valid yet`);
}

function invalid(reason: string): Fault {
  return new Fault('TOKEN_INVALID', `token: ${reason}`);
}

function ago(seconds: number): string {
  return `${Math.ceil(seconds)} s`;
}
