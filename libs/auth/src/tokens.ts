import { createHash, createSecretKey, randomUUID, type KeyObject } from 'node:crypto';
import { JwtService } from '@nestjs/jwt';
import { Fault } from '#protocol';
import { assertTimes, LAST_SECOND, readClaims } from './claims.js';

/** Who a verified token says its bearer is. */
export interface Identity {
  readonly user: string;
  readonly grants: readonly string[];
  /** Numbers, as a Date for each would take 100 bytes of a connection. */
  readonly issuedAtMs: number;
  /** The token's exp. It is good for the clock tolerance longer. */
  readonly expiresAtMs: number;
  /** The login it belongs to; undefined: the token names none. */
  readonly sessionId: string | undefined;
  /** Tells this token from every other one: a digest of what is signed. */
  readonly tokenId: string;
}

/** HS256 and nothing else: the algorithm is ours to choose, never the token's. */
const ALGORITHM = 'HS256';
/** Bytes of a digest that are kept: nobody finds two tokens with the same 16. */
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

  /** @throws Fault TOKEN_EXPIRED, TOKEN_INVALID, with the reason in its text */
  verify(token: string, nowMs = Date.now()): Identity {
    const claims = readClaims(this.open(token));
    assertTimes(claims, nowMs, this.toleranceMs);
    const { sub, exp, iat, sid, grants } = claims;
    const times = { issuedAtMs: toMs(iat), expiresAtMs: toMs(exp) };
    return { user: sub, grants, ...times, sessionId: sid, tokenId: digestOf(token) };
  }

  /** With a jti, so that two tokens of one second are two. */
  sign({ user, grants = [], sessionId, ttlMs }: TokenClaims): string {
    return this.jwt.sign(
      { sub: user, grants, ...(sessionId === undefined ? {} : { sid: sessionId }) },
      { secret: this.key as never, algorithm: ALGORITHM, expiresIn: Math.ceil(ttlMs / 1_000), jwtid: randomUUID() },
    );
  }

  /** The claims of a token that we signed. Nothing else of it is looked at before, or said to whoever shows it. */
  private open(token: string): unknown {
    const { header, payload } = this.unseal(token);
    const extension = EXTENSIONS.find((name) => name in header);
    if (extension === undefined) return payload;
    throw new Fault('TOKEN_INVALID', `token: its header has ${extension}, which this server does not understand`);
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
      throw new Fault('TOKEN_INVALID', `token: ${reason}`, { cause: error });
    }
  }
}

/**
 * `crit` names what a reader must understand or else refuse the token (RFC 7515), and `b64` says that the claims are signed
 * as they are (RFC 7797). jsonwebtoken passes over both, and would take a token for something else than its issuer did.
 */
const EXTENSIONS = ['crit', 'b64'] as const;

/** Says what jsonwebtoken found, in words for whoever set up the issuer. */
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

/** The digest is that of the signed part, because the signature may be written in more ways than one. */
function digestOf(token: string): string {
  const signed = token.slice(0, token.lastIndexOf('.'));
  return createHash('sha256').update(signed).digest().subarray(0, TOKEN_ID_BYTES).toString('base64url');
}

/** A token for tools and tests; an application signs its own with the same secret. */
export function signToken(secret: string, claims: TokenClaims): string {
  return new Tokens(secret).sign(claims);
}
