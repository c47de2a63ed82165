import { createSecretKey, type KeyObject } from 'node:crypto';
import { JwtService } from '@nestjs/jwt';
import { Fault, Grant, rest, UserId, type FaultName } from '#protocol';
import { z } from 'zod';

/** Who a verified token says its bearer is. */
export interface Identity {
  readonly user: string;
  readonly grants: readonly string[];
  /** Numbers, as a Date for each would take 100 bytes of a connection. */
  readonly issuedAtMs: number;
  /** The token's end, by this instance's clock. */
  readonly expiresAtMs: number;
  /** The login it belongs to; undefined: the token names none. */
  readonly sessionId: string | undefined;
}

const Claims = z.object({
  sub: UserId,
  exp: z.int(),
  /** One without is as old as can be: no revocation spares it. */
  iat: z.number().default(0),
  sid: rest.SessionId.optional(),
  grants: z.array(Grant).max(100).default([]),
});

/** HS256 and nothing else: the algorithm is ours to choose, never the token's. */
const ALGORITHM = 'HS256';

export class Tokens {
  private readonly jwt = new JwtService({});
  private readonly key: KeyObject;

  constructor(secret: string) {
    // A KeyObject verifies 50 times as fast as a string, which is turned into one at each call.
    this.key = createSecretKey(Buffer.from(secret, 'utf8'));
  }

  /** @throws Fault TOKEN_EXPIRED, TOKEN_INVALID */
  verify(token: string): Identity {
    const claims = Claims.safeParse(this.open(token));
    if (!claims.success) throw new Fault('TOKEN_INVALID', 'token: needs sub, exp and well-formed grants');
    const { sub, exp, iat, sid, grants } = claims.data;
    return { user: sub, grants, issuedAtMs: toMs(iat), expiresAtMs: toMs(exp), sessionId: sid };
  }

  sign({ user, grants = [], sessionId, ttlMs }: TokenClaims): string {
    return this.jwt.sign(
      { sub: user, grants, ...(sessionId === undefined ? {} : { sid: sessionId }) },
      { secret: this.key as never, algorithm: ALGORITHM, expiresIn: Math.ceil(ttlMs / 1_000) },
    );
  }

  private open(token: string): unknown {
    try {
      return this.jwt.verify<Record<string, unknown>>(token, { secret: this.key as never, algorithms: [ALGORITHM] });
    } catch (error) {
      const isExpired = error instanceof Error && error.name === 'TokenExpiredError';
      const fault: FaultName = isExpired ? 'TOKEN_EXPIRED' : 'TOKEN_INVALID';
      throw new Fault(fault, isExpired ? 'token: is past its exp' : 'token: is not one of ours', { cause: error });
    }
  }
}

export interface TokenClaims {
  readonly user: string;
  readonly grants?: readonly string[];
  readonly sessionId?: string;
  readonly ttlMs: number;
}

/** The last moment of the year 9999, in seconds: who means milliseconds gets a date that can be stored all the same. */
const LAST_SECOND = 253_402_300_799;

function toMs(seconds: number): number {
  return Math.trunc(Math.min(Math.max(seconds, 0), LAST_SECOND) * 1_000);
}

/** A token for tools and tests; an application signs its own with the same secret. */
export function signToken(secret: string, claims: TokenClaims): string {
  return new Tokens(secret).sign(claims);
}
