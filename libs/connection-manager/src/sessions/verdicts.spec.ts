import type { Login } from './login.js';
import type { EndedRow } from './sql/find-ended.sql.js';
import { isOver } from './verdicts.js';

const LOGIN: Login = {
  user: 'ann',
  sessionId: 's1',
  tokenId: undefined,
  deviceId: 'phone',
  issuedAtMs: 1_000,
  expiresAtMs: 9_000,
  address: '::1',
  userAgent: null,
};

const ROW: EndedRow = {
  read_at: new Date(),
  user_id: 'ann',
  session_id: null,
  token_id: null,
  end_reason: null,
  refused_until: null,
  banned_until: null,
};

describe('isOver', () => {
  it.each<[string, boolean, Partial<EndedRow>, Partial<Login>]>([
    ['its token ended', true, { token_id: 't1' }, { tokenId: 't1' }],
    ['another token ended', false, { token_id: 't2' }, { tokenId: 't1' }],
    ['its session was erased, whose tokens name it', true, { token_id: 'sid:s1' }, {}],
    ['another session was erased', false, { token_id: 'sid:s2' }, {}],
    ['its session ended', true, { session_id: 's1', end_reason: 'revoked' }, {}],
    ['another session ended', false, { session_id: 's2', end_reason: 'revoked' }, {}],
    ['its session began again, after its token', true, { session_id: 's1', refused_until: 1_000 }, {}],
    ['its session began again, before its token', false, { session_id: 's1', refused_until: 999 }, {}],
    ['its user is banned', true, { banned_until: Infinity }, {}],
  ])('when %s: %p', (_, expected, row, login) => {
    expect(isOver({ ...ROW, ...row }, { ...LOGIN, ...login })).toBe(expected);
  });
});
