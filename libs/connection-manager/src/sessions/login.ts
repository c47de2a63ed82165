/**
 * Names the session of a token without a `sid`. There is one for each device of the user, which a later login continues
 * or begins again.
 */
export function derivedSessionId(deviceId: string): string {
  return `device:${deviceId}`;
}

export interface SessionKey {
  readonly user: string;
  readonly sessionId: string;
}

/** A token that was shown at a handshake, or on a live connection in the place of an older one. */
export interface Login extends SessionKey {
  /** A digest of a token that names no session; undefined if the token has a `sid`, which says enough. */
  readonly tokenId: string | undefined;
  readonly deviceId: string;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
  readonly address: string;
  readonly userAgent: string | null;
}
