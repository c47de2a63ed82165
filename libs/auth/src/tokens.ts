import { createHash, createSecretKey, randomUUID, type KeyObject } from 'node:crypto';
import { JwtService } from '@nestjs/jwt';
import { ProtocolError } from '#protocol';
import { assertTimes, LAST_SECOND, readClaims } from './claims.js';

/** A verified token says this about its bearer. */
export interface Identity {
  readonly user: string;
  readonly grants: readonly string[];
  /** Times are numbers, because a Date for each would take 100 bytes of a connection. */
  readonly issuedAtMs: number;
  /** The `exp` of the token, which is accepted until the tolerance for clocks has passed as well. */
  readonly expiresAtMs: number;
  /** The login that the token belongs to, its `sid`; undefined means that it names none. */
  readonly sessionId: string | undefined;
  /** A digest of the signed part tells this token from every other one. */
  readonly tokenId: string;
}

/** Only HS256 is accepted, because the server chooses the algorithm, never the token. */
const ALGORITHM = 'HS256';
/** A digest is cut to this many bytes, because nobody can find two tokens that share 16. */
const TOKEN_ID_BYTES = 16;

export class Tokens {
  private readonly jwt = new JwtService({});
  private readonly key: KeyObject;

  /** @param toleranceMs how far the clocks of issuers and of this server may differ */
  constructor(
    secret: string,
    private readonly toleranceMs = 0,
  ) {
    // A KeyObject verifies 50 times as fast as a string, which is turned into one at each call.
    this.key = createSecretKey(Buffer.from(secret, 'utf8'));
  }

  /** @throws ProtocolError TOKEN_EXPIRED, TOKEN_INVALID, with the reason in its text */
  verify(token: string, nowMs = Date.now()): Identity {
    const claims = readClaims(this.open(token));
    assertTimes(claims, nowMs, this.toleranceMs);
    const { sub, exp, iat, sid, grants } = claims;
    const times = { issuedAtMs: toMs(iat), expiresAtMs: toMs(exp) };
    return { user: sub, grants, ...times, sessionId: sid, tokenId: digestOf(token) };
  }

  /** Each token gets a `jti`, so that two tokens of the same second differ. */
  sign({ user, grants = [], sessionId, ttlMs }: TokenClaims): string {
    return this.jwt.sign(
      { sub: user, grants, ...(sessionId === undefined ? {} : { sid: sessionId }) },
      { secret: this.key as never, algorithm: ALGORITHM, expiresIn: Math.ceil(ttlMs / 1_000), jwtid: randomUUID() },
    );
  }

  /** Returns the claims of a token that we signed; until that is certain, nothing of it is read or told. */
  private open(token: string): unknown {
    const { header, payload } = this.unseal(token);
    const extension = EXTENSIONS.find((name) => name in header);
    if (extension === undefined) return payload;
    throw new ProtocolError(
      'TOKEN_INVALID',
      `token: its header has ${extension}, which this server does not understand`,
    );
  }

  private unseal(token: string): { header: object; payload: unknown } {
    try {
      return this.jwt.verify<{ header: object; payload: unknown } & object>(token, {
        secret: this.key as never,
        algorithms: [ALGORITHM],
        ignoreExpiration: true,
        ignoreNotBefore: true,
        complete: true,
      });
    } catch (error) {
      const reason = REASONS.get((error as Error).message) ?? 'is not a JWT';
      throw new ProtocolError('TOKEN_INVALID', `token: ${reason}`, { cause: error });
    }
  }
}

/**
 * `crit` names what a reader has to understand, or otherwise refuse the token (RFC 7515); `b64` says whether the claims
 * are signed unencoded (RFC 7797). jsonwebtoken ignores both, and would take such a token for something else than its
 * issuer did.
 */
const EXTENSIONS = ['crit', 'b64'] as const;

/** These words tell whoever set up the issuer what jsonwebtoken found. */
const REASONS = new Map([
  ['invalid signature', 'its signature does not fit: it is signed with another secret, or was changed afterwards'],
  ['jwt signature is required', 'it is not signed'],
  ['invalid algorithm', `its alg is not ${ALGORITHM}`],
]);

export interface TokenClaims {
  readonly user: string;
  readonly grants?: readonly string[];
  readonly sessionId?: string;
  readonly ttlMs: number;
}

function toMs(seconds: number): number {
  return Math.trunc(Math.min(Math.max(seconds, 0), LAST_SECOND) * 1_000);
}

/** Only the signed part is digested, because a signature can be written in more than one way. */
function digestOf(token: string): string {
  const signed = token.slice(0, token.lastIndexOf('.'));
  return createHash('sha256').update(signed).digest().subarray(0, TOKEN_ID_BYTES).toString('base64url');
}

/** Signs a token for tools and tests; an application signs its own with the same secret. */
export function signToken(secret: string, claims: TokenClaims): string {
  return new Tokens(secret).sign(claims);
}
