import { createHmac } from 'node:crypto';
import { ProtocolError, type ErrorName } from '#protocol';
import { signToken, Tokens } from './tokens.js';

const SECRET = 'a-secret-for-tests-and-for-nothing-else';
const TOLERANCE_MS = 10_000;
const tokens = new Tokens(SECRET, TOLERANCE_MS);
const NOW = Math.floor(Date.now() / 1_000);
const claims = { sub: 'ada', exp: NOW + 60, grants: ['publish:user:*'] };

describe('Tokens', () => {
  it('reads back what it signed', () => {
    const token = signToken(SECRET, { user: 'ada', grants: ['publish:user:*', 'join:group:a'], ttlMs: 90_000 });
    const identity = tokens.verify(token);
    expect(identity).toMatchObject({ user: 'ada', grants: ['publish:user:*', 'join:group:a'] });
    expect(identity.expiresAtMs - Date.now()).toBeGreaterThan(85_000);
    expect(identity.expiresAtMs - Date.now()).toBeLessThanOrEqual(91_000);
  });

  it('takes the token of any library that follows the RFC', () => {
    expect(tokens.verify(sign(claims))).toEqual({
      user: 'ada',
      grants: ['publish:user:*'],
      issuedAtMs: 0,
      expiresAtMs: claims.exp * 1_000,
      sessionId: undefined,
      tokenId: expect.stringMatching(/^[A-Za-z0-9_-]{22}$/),
    });
    expect(tokens.verify(sign({ sub: 'ada', exp: claims.exp, aud: 'x', custom: {} })).grants).toEqual([]);
  });

  it('reads which login a token belongs to and when it was issued', () => {
    const token = sign({ ...claims, sid: 'login-7', iat: NOW - 5 });
    expect(tokens.verify(token)).toMatchObject({ sessionId: 'login-7', issuedAtMs: (NOW - 5) * 1_000 });
    expect(tokens.verify(signToken(SECRET, { user: 'ada', sessionId: 's', ttlMs: 1_000 })).sessionId).toBe('s');
  });

  it('takes times that no calendar has for the nearest that can be stored', () => {
    const { issuedAtMs, expiresAtMs } = tokens.verify(sign({ ...claims, exp: NOW * 1_000_000, iat: -7 }));
    expect(new Date(expiresAtMs).toISOString()).toBe('9999-12-31T23:59:59.000Z');
    expect(issuedAtMs).toBe(0);
  });

  it('takes fractions of seconds, and the ids that identity providers make', () => {
    const fractions = sign({ ...claims, exp: NOW + 60.5, iat: NOW - 0.25, nbf: NOW - 0.25 });
    expect(tokens.verify(fractions)).toMatchObject({
      expiresAtMs: NOW * 1_000 + 60_500,
      issuedAtMs: NOW * 1_000 - 250,
    });
    for (const sub of ['auth0|5f7c', 'google-oauth2|1', 'Ann Lee', 'jürgen', '🦊', 'x'.repeat(200)]) {
      expect(tokens.verify(sign({ ...claims, sub })).user).toBe(sub);
    }
  });

  it('lets clocks differ by the tolerance and not by more', () => {
    const at = (seconds: number): number => NOW * 1_000 + seconds * 1_000;
    const token = sign({ ...claims, nbf: NOW, exp: NOW + 60 });
    for (const seconds of [-10, 0, 60, 69.9]) expect(tokens.verify(token, at(seconds)).user).toBe('ada');
    expect(() => tokens.verify(token, at(-10.1))).toThrow('token: nbf lies 11 s ahead');
    expect(() => tokens.verify(token, at(70))).toThrow('token: is past its exp, since 10 s');
    const strict = new Tokens(SECRET);
    expect(() => strict.verify(token, at(-0.1))).toThrow(/nbf/);
    expect(() => strict.verify(token, at(60))).toThrow(/past its exp/);
  });

  it('tells one token from another, also of the same second', () => {
    const idOf = (token: string): string => tokens.verify(token).tokenId;
    const token = sign(claims);
    expect(idOf(sign(claims))).toBe(idOf(token));
    expect(idOf(sign({ ...claims, jti: 'another' }))).not.toBe(idOf(token));
    const sameSecond = { user: 'ada', ttlMs: 60_000 };
    expect(idOf(signToken(SECRET, sameSecond))).not.toBe(idOf(signToken(SECRET, sameSecond)));
  });

  const SIGNATURE = 'token: its signature does not fit: it is signed with another secret, or was changed afterwards';
  const SUB =
    'token: sub has 1 to 200 characters, none of them a control character, and at most 600 in the name of its inbox, where some count as several; . and .. are no ids';
  const GRANT = /^token: grants\.0 verb:pattern with publish, subscribe, join, presence or receipts/;
  const ALG = 'token: its alg is not HS256';
  const UNSIGNED = 'token: it is not signed';
  const NO_JWT = 'token: is not a JWT';

  it.each<[string, ErrorName, string | RegExp, string]>([
    ['past its exp', 'TOKEN_EXPIRED', /^token: is past its exp, since 1[1-5] s$/, sign({ ...claims, exp: NOW - 11 })],
    ['expired and foreign: says no more', 'TOKEN_INVALID', SIGNATURE, sign({ ...claims, exp: 1 }, {}, 'x'.repeat(40))],
    [
      'signed with another secret',
      'TOKEN_INVALID',
      SIGNATURE,
      sign(claims, {}, 'another-secret-of-a-good-length-1234567'),
    ],
    ['signed with an empty secret', 'TOKEN_INVALID', SIGNATURE, sign(claims, {}, '')],
    ['without exp', 'TOKEN_INVALID', 'token: exp is missing', sign({ ...claims, exp: undefined })],
    ['with an exp in quotes', 'TOKEN_INVALID', seconds('exp'), sign({ ...claims, exp: String(claims.exp) })],
    ['with an iat in quotes', 'TOKEN_INVALID', seconds('iat'), sign({ ...claims, iat: String(NOW) })],
    ['with an nbf that is no number', 'TOKEN_INVALID', seconds('nbf'), sign({ ...claims, nbf: null })],
    ['with an exp beyond all numbers', 'TOKEN_INVALID', seconds('exp'), signText('{"sub":"ada","exp":1e400}')],
    ['with an empty sid', 'TOKEN_INVALID', /^token: sid must be 1 to 200 printable/, sign({ ...claims, sid: '' })],
    ['with a sid that is no string', 'TOKEN_INVALID', /^token: sid /, sign({ ...claims, sid: 7 })],
    ['with a sid of two words', 'TOKEN_INVALID', /^token: sid must be/, sign({ ...claims, sid: 'a b' })],
    ['with a sid of 201 characters', 'TOKEN_INVALID', /^token: sid must be/, sign({ ...claims, sid: 'x'.repeat(201) })],
    [
      'with the sid of a device',
      'TOKEN_INVALID',
      /^token: sid begins with device:/,
      sign({ ...claims, sid: 'device:a' }),
    ],
    ['without sub', 'TOKEN_INVALID', 'token: sub is missing', sign({ ...claims, sub: undefined })],
    ['with an empty sub', 'TOKEN_INVALID', SUB, sign({ ...claims, sub: '' })],
    ['with a sub that is no string', 'TOKEN_INVALID', /^token: sub /, sign({ ...claims, sub: 42 })],
    ['with a control character in its sub', 'TOKEN_INVALID', SUB, sign({ ...claims, sub: 'a\nb' })],
    ['with a sub of 201 characters', 'TOKEN_INVALID', SUB, sign({ ...claims, sub: 'x'.repeat(201) })],
    ['with grants that are no list', 'TOKEN_INVALID', /^token: grants /, sign({ ...claims, grants: 'publish:*' })],
    ['with a grant of no known verb', 'TOKEN_INVALID', GRANT, sign({ ...claims, grants: ['admin:*'] })],
    ['with a user in a grant as it is', 'TOKEN_INVALID', GRANT, sign({ ...claims, grants: ['publish:user:auth0|a'] })],
    [
      'with 101 grants',
      'TOKEN_INVALID',
      /^token: grants /,
      sign({ ...claims, grants: Array<string>(101).fill('join:*') }),
    ],
    ['not valid yet', 'TOKEN_INVALID', /^token: nbf lies \d+ s ahead/, sign({ ...claims, nbf: NOW + 60 })],
    ['of another algorithm with the right secret', 'TOKEN_INVALID', ALG, sign(claims, { alg: 'HS512' })],
    ['with crit in its header', 'TOKEN_INVALID', extension('crit'), sign(claims, { crit: ['exp'] })],
    ['with an empty crit', 'TOKEN_INVALID', extension('crit'), sign(claims, { crit: [] })],
    ['with b64 in its header', 'TOKEN_INVALID', extension('b64'), sign(claims, { b64: false })],
    ['with both', 'TOKEN_INVALID', extension('crit'), sign(claims, { b64: true, crit: ['b64'] })],
    ['with crit, and foreign: says no more', 'TOKEN_INVALID', SIGNATURE, sign(claims, { crit: ['exp'] }, 'x')],
    ['unsigned, alg none', 'TOKEN_INVALID', UNSIGNED, unsigned('none')],
    ['unsigned, alg nOnE', 'TOKEN_INVALID', UNSIGNED, unsigned('nOnE')],
    ['unsigned, but saying HS256', 'TOKEN_INVALID', UNSIGNED, unsigned('HS256')],
    ['naming its own key', 'TOKEN_INVALID', SIGNATURE, sign(claims, { jwk: { kty: 'oct', k: 'eA' } }, 'x')],
    [
      'changed after signing',
      'TOKEN_INVALID',
      SIGNATURE,
      sign(claims).replace(/\.[^.]+\./, `.${encode({ ...claims, sub: 'eve' })}.`),
    ],
    ['of two parts', 'TOKEN_INVALID', NO_JWT, sign(claims).split('.').slice(0, 2).join('.')],
    ['of four parts', 'TOKEN_INVALID', NO_JWT, `${sign(claims)}.x`],
    ['with a space behind it', 'TOKEN_INVALID', NO_JWT, `${sign(claims)} `],
    ['that is no object', 'TOKEN_INVALID', 'token: its claims are no object', sign('ada')],
    ['made of garbage', 'TOKEN_INVALID', NO_JWT, 'garbage'],
    ['with a zero byte', 'TOKEN_INVALID', NO_JWT, 'a.\0.c'],
  ])('refuses a token %s, and says why', (_, errorName, reason, token) => {
    expect(refusalOf(token)).toEqual([
      errorName,
      typeof reason === 'string' ? reason : (expect.stringMatching(reason) as string),
    ]);
  });
});

function extension(name: string): string {
  return `token: its header has ${name}, which this server does not understand`;
}

function seconds(claim: string): string {
  return `token: ${claim} is not a number of seconds since 1970`;
}

function refusalOf(token: string): [ErrorName, string] {
  try {
    tokens.verify(token);
  } catch (error) {
    if (error instanceof ProtocolError) return [error.errorName, error.message];
    throw error;
  }
  throw new Error(`accepted ${token}`);
}

/** Signs by hand, to make tokens that no library would make. */
function sign(payload: unknown, header: object = {}, secret = SECRET): string {
  return signText(JSON.stringify(payload), header, secret);
}

function signText(payload: string, header: object = {}, secret = SECRET): string {
  const text = `${encode({ alg: 'HS256', typ: 'JWT', ...header })}.${Buffer.from(payload).toString('base64url')}`;
  const algorithm = 'alg' in header && header.alg === 'HS512' ? 'sha512' : 'sha256';
  return `${text}.${createHmac(algorithm, secret).update(text).digest('base64url')}`;
}

function unsigned(alg: string): string {
  return `${encode({ alg, typ: 'JWT' })}.${encode(claims)}.`;
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
