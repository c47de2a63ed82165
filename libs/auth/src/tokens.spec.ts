import { createHmac } from 'node:crypto';
import { Fault, type FaultName } from '#protocol';
import { signToken, Tokens } from './tokens.js';

const SECRET = 'a-secret-for-tests-and-for-nothing-else';
const tokens = new Tokens(SECRET);
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

  it.each<[string, FaultName, string]>([
    ['past its exp', 'TOKEN_EXPIRED', sign({ ...claims, exp: NOW - 1 })],
    [
      'expired and foreign: it says nothing about itself',
      'TOKEN_INVALID',
      sign({ ...claims, exp: 1 }, {}, 'x'.repeat(40)),
    ],
    ['signed with another secret', 'TOKEN_INVALID', sign(claims, {}, 'another-secret-of-a-good-length-1234567')],
    ['signed with an empty secret', 'TOKEN_INVALID', sign(claims, {}, '')],
    ['without exp', 'TOKEN_INVALID', sign({ ...claims, exp: undefined })],
    ['with an exp in quotes', 'TOKEN_INVALID', sign({ ...claims, exp: String(claims.exp) })],
    ['with an iat in quotes', 'TOKEN_INVALID', sign({ ...claims, iat: String(NOW) })],
    ['with an empty sid', 'TOKEN_INVALID', sign({ ...claims, sid: '' })],
    ['with a sid that is no string', 'TOKEN_INVALID', sign({ ...claims, sid: 7 })],
    ['with a sid of two words', 'TOKEN_INVALID', sign({ ...claims, sid: 'a b' })],
    ['with a sid of 201 characters', 'TOKEN_INVALID', sign({ ...claims, sid: 'x'.repeat(201) })],
    ['without sub', 'TOKEN_INVALID', sign({ ...claims, sub: undefined })],
    ['with an empty sub', 'TOKEN_INVALID', sign({ ...claims, sub: '' })],
    ['with a sub that is no string', 'TOKEN_INVALID', sign({ ...claims, sub: 42 })],
    ['with a sub that cannot stand in a channel', 'TOKEN_INVALID', sign({ ...claims, sub: 'a b' })],
    ['with a sub too long for a channel', 'TOKEN_INVALID', sign({ ...claims, sub: 'x'.repeat(196) })],
    ['with grants that are no list', 'TOKEN_INVALID', sign({ ...claims, grants: 'publish:*' })],
    ['with a grant of no known verb', 'TOKEN_INVALID', sign({ ...claims, grants: ['admin:*'] })],
    ['with 101 grants', 'TOKEN_INVALID', sign({ ...claims, grants: Array<string>(101).fill('publish:*') })],
    ['not valid yet', 'TOKEN_INVALID', sign({ ...claims, nbf: NOW + 60 })],
    ['of another algorithm with the right secret', 'TOKEN_INVALID', sign(claims, { alg: 'HS512' })],
    ['unsigned, alg none', 'TOKEN_INVALID', unsigned('none')],
    ['unsigned, alg nOnE', 'TOKEN_INVALID', unsigned('nOnE')],
    ['unsigned, but saying HS256', 'TOKEN_INVALID', unsigned('HS256')],
    ['naming its own key', 'TOKEN_INVALID', sign(claims, { jwk: { kty: 'oct', k: 'eA' } }, 'x')],
    [
      'changed after signing',
      'TOKEN_INVALID',
      sign(claims).replace(/\.[^.]+\./, `.${encode({ ...claims, sub: 'eve' })}.`),
    ],
    ['of two parts', 'TOKEN_INVALID', sign(claims).split('.').slice(0, 2).join('.')],
    ['of four parts', 'TOKEN_INVALID', `${sign(claims)}.x`],
    ['with a space behind it', 'TOKEN_INVALID', `${sign(claims)} `],
    ['that is no object', 'TOKEN_INVALID', sign('ada')],
    ['made of garbage', 'TOKEN_INVALID', 'garbage'],
    ['with a zero byte', 'TOKEN_INVALID', 'a.\0.c'],
  ])('refuses a token %s', (_, fault, token) => {
    expect(faultOf(token)).toBe(fault);
  });

  it('says nothing of the token in its refusal', () => {
    const token = sign({ ...claims, exp: NOW - 1 });
    expect(() => tokens.verify(token)).toThrow(expect.objectContaining({ message: 'token: is past its exp' }) as Error);
  });
});

function faultOf(token: string): FaultName {
  try {
    tokens.verify(token);
  } catch (error) {
    if (error instanceof Fault) return error.fault;
    throw error;
  }
  throw new Error(`accepted ${token}`);
}

/** By hand, to make what no library would. */
function sign(payload: unknown, header: object = {}, secret = SECRET): string {
  const text = `${encode({ alg: 'HS256', typ: 'JWT', ...header })}.${encode(payload)}`;
  const algorithm = 'alg' in header && header.alg === 'HS512' ? 'sha512' : 'sha256';
  return `${text}.${createHmac(algorithm, secret).update(text).digest('base64url')}`;
}

function unsigned(alg: string): string {
  return `${encode({ alg, typ: 'JWT' })}.${encode(claims)}.`;
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
