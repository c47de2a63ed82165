import { signToken } from '#auth';
import { JWT_SECRET } from '../support/server.js';
import { Attacker } from './attacker.js';
import { SECRET_TEXT, Target } from './target.js';

const LAB = 'group:lab';

let target: Target;
let attacker: Attacker;

beforeAll(async () => {
  target = await Target.start();
});
beforeEach(async () => {
  attacker = await Attacker.enter(target.server.url, [`publish:${LAB}`]);
});
afterEach(() => attacker.leave());
afterAll(() => target?.end());

describe('token and logout', () => {
  const claims = { user: 'mallory', ttlMs: 60_000 };
  it.each<[number, string, string, unknown]>([
    [2002, 'token', 'of somebody else', { token: signToken(JWT_SECRET, { ...claims, user: 'canary' }) }],
    [2002, 'token', 'of another session', { token: signToken(JWT_SECRET, { ...claims, sessionId: 'device:default' }) }],
    [2002, 'token', 'of another secret', { token: signToken('x'.repeat(40), claims) }],
    [2003, 'token', 'that has expired', { token: signToken(JWT_SECRET, { ...claims, ttlMs: -60_000 }) }],
    [2002, 'token', 'of garbage', { token: SECRET_TEXT }],
    [1000, 'token', 'of nothing', { token: '' }],
    [1000, 'token', 'of 9,000 characters', { token: 'x'.repeat(9_000) }],
    [1000, 'token', 'that is no string', { token: { toString: SECRET_TEXT } }],
    [1000, 'token', 'without one', {}],
    [1008, 'token', 'with a user', { token: signToken(JWT_SECRET, claims), user: 'canary' }],
    [1008, 'logout', 'of somebody else', { user: 'canary' }],
    [1008, 'logout', 'of another session', { sessionId: 'device:default' }],
    [1000, 'logout', 'of a word', 'now'],
    [1000, 'logout', 'of a list', []],
  ])('answers %i: %s %s', async (code, event, _, payload) => {
    const answer = await target.survives(() => attacker.send(event, payload));
    expect(answer).toMatchObject(refusal(code));
    expect(JSON.stringify(answer)).not.toContain(SECRET_TEXT);
    expect(JSON.stringify(answer)).not.toContain('eyJ');
    expect(await attacker.send('history', { channel: 'broadcast' })).toMatchObject({ ok: true });
  });

  it('a new token may grant less than the one before', async () => {
    await target.survives(async () => {
      expect(await attacker.send('token', { token: signToken(JWT_SECRET, claims) })).toMatchObject({ ok: true });
      expect(await attacker.send('publish', { channel: LAB, type: 't', data: 1 })).toMatchObject(refusal(3001));
    });
  });
});

function refusal(code: number): object {
  return { ok: false, error: { code, message: expect.any(String), retryable: false } };
}
