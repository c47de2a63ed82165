import { createHmac } from 'node:crypto';
import { JWT_SECRET } from '../support/server.js';
import { until } from '../support/until.js';
import { Attacker, knock, Stranger } from './attacker.js';
import { SECRET_TEXT, Target } from './target.js';

const NOW = Math.floor(Date.now() / 1_000);
const claims = { sub: 'mallory', exp: NOW + 600, note: SECRET_TEXT };
const token = sign(claims);

let target: Target;

beforeAll(async () => {
  target = await Target.start();
});
afterAll(() => target?.end());

interface Row {
  readonly with: string;
  readonly auth?: object | undefined;
  readonly query?: Record<string, string>;
  readonly extraHeaders?: Record<string, string>;
  readonly code: number;
}

const REFUSED: Row[] = [
  { with: 'nothing', auth: undefined, code: 2001 },
  { with: 'an empty auth', auth: {}, code: 2001 },
  { with: 'the token under another name', auth: { jwt: token }, code: 2001 },
  { with: 'the token inside __proto__', auth: json(`{"__proto__":{"token":"${token}"}}`), code: 2001 },
  { with: 'the token in a header alone', auth: {}, extraHeaders: { authorization: `Bearer ${token}` }, code: 2001 },
  { with: 'an expired token', auth: { token: sign({ ...claims, exp: NOW - 11 }) }, code: 2003 },
  { with: 'a token of another secret', auth: { token: sign(claims, {}, 'x'.repeat(40)) }, code: 2002 },
  { with: 'an unsigned token, alg none', auth: { token: unsigned('none') }, code: 2002 },
  { with: 'an unsigned token, alg NONE', auth: { token: unsigned('NONE') }, code: 2002 },
  { with: 'a token of another algorithm', auth: { token: sign(claims, { alg: 'HS512' }) }, code: 2002 },
  { with: 'a token without exp', auth: { token: sign({ ...claims, exp: undefined }) }, code: 2002 },
  { with: 'a token without sub', auth: { token: sign({ ...claims, sub: undefined }) }, code: 2002 },
  { with: 'a token whose sub cannot be a user', auth: { token: sign({ ...claims, sub: 'a\nb' }) }, code: 2002 },
  { with: 'a token that is not valid yet', auth: { token: sign({ ...claims, nbf: NOW + 600 }) }, code: 2002 },
  { with: 'a token of two sessions', auth: { token: sign({ ...claims, sid: ['a', 'b'] }) }, code: 2002 },
  { with: 'a token whose sid has \\u0000', auth: { token: sign({ ...claims, sid: 'a\0' }) }, code: 2002 },
  { with: 'a token issued at no number', auth: { token: sign({ ...claims, iat: '1e400' }) }, code: 2002 },
  { with: 'garbage', auth: { token: SECRET_TEXT }, code: 2002 },
  { with: 'garbage in three parts', auth: { token: `${SECRET_TEXT}.${SECRET_TEXT}.` }, code: 2002 },
  { with: 'a token that is no string', auth: { token: { toString: SECRET_TEXT } }, code: 1000 },
  { with: 'a token of null', auth: { token: null }, code: 1000 },
  { with: 'an empty token', auth: { token: '' }, code: 1000 },
  { with: 'a token of 9,000 characters', auth: { token: 'x'.repeat(9_000) }, code: 1000 },
  { with: 'the token in the URL', query: { token }, auth: {}, code: 1000 },
  { with: 'the token in the URL as well', query: { token }, auth: { token }, code: 1000 },
  { with: 'a field nobody knows', auth: { token, admin: true }, code: 1008 },
  { with: 'a user of its own choice', auth: { token, user: 'canary' }, code: 1008 },
  { with: 'a field named __proto__', auth: json(`{"token":"${token}","__proto__":{"deviceId":"x"}}`), code: 1008 },
  { with: 'an empty device', auth: { token, deviceId: '' }, code: 1000 },
  { with: 'a device with a space', auth: { token, deviceId: 'my phone' }, code: 1000 },
  { with: 'a device with \\u0000', auth: { token, deviceId: 'a\0' }, code: 1000 },
  { with: 'a device of 101 characters', auth: { token, deviceId: 'x'.repeat(101) }, code: 1000 },
  { with: 'a device that is no string', auth: { token, deviceId: 7 }, code: 1000 },
  { with: 'a negative resume', auth: { token, resume: { 'user:mallory': -1 } }, code: 1000 },
  { with: 'half a seq to resume', auth: { token, resume: { 'user:mallory': 0.5 } }, code: 1000 },
  { with: 'a resume beyond all numbers', auth: { token, resume: { 'user:mallory': 2 ** 60 } }, code: 1000 },
  { with: 'a resume of no channel', auth: { token, resume: { mallory: 1 } }, code: 1002 },
  { with: 'a resume that is a list', auth: { token, resume: [1, 2] }, code: 1000 },
  { with: 'a resume of 1,001 channels', auth: { token, resume: manyChannels(1_001) }, code: 1000 },
];

describe('a handshake', () => {
  it.each(REFUSED)('with $with is refused with $code', async ({ auth, query, extraHeaders, code }) => {
    const refusal = await target.survives(() =>
      knock(target.server.url, {
        ...(auth === undefined ? {} : { auth }),
        ...(query === undefined ? {} : { query }),
        ...(extraHeaders === undefined ? {} : { extraHeaders }),
      }),
    );
    expect(refusal).toMatchObject({ code, retryable: false });
    expect(JSON.stringify(refusal)).not.toContain(SECRET_TEXT);
    expect(JSON.stringify(refusal)).not.toContain('eyJ');
  });

  it.each([
    ['what is far ahead', { 'user:mallory': Number.MAX_SAFE_INTEGER }],
    ['what belongs to others', { 'user:canary': 1, 'group:secret': 5 }],
  ])('that resumes %s reads its own channels, from where it stood', async (_, resume) => {
    const ready = await target.survives(() => knock(target.server.url, { auth: { token, resume } }));
    expect(ready).toMatchObject({
      user: 'mallory',
      channels: [
        { channel: 'user:mallory', seq: 0, lastSeq: 0 },
        { channel: 'broadcast', seq: 0, lastSeq: 0 },
      ],
    });
  });

  it.each(['https://evil.example', 'http://localhost.evil.example', 'null'])(
    'from a page of %s is refused, whatever its token',
    async (origin) => {
      const options = { auth: { token }, extraHeaders: { origin } };
      expect(await target.survives(() => knock(target.server.url, options))).toBeInstanceOf(Error);
    },
  );

  it('from a page that this machine serves, a developer’s, is let in', async () => {
    const options = { auth: { token }, extraHeaders: { origin: 'http://localhost:5173' } };
    expect(await target.survives(() => knock(target.server.url, options))).toMatchObject({ user: 'mallory' });
  });

  it('is let in whatever times its token names and however its user agent calls itself', async () => {
    const far = sign({ ...claims, exp: NOW * 1_000_000, iat: 0.5 });
    const options = {
      auth: { token: far },
      extraHeaders: { 'user-agent': `'); drop table --\xff${'x'.repeat(5_000)}` },
    };
    expect(await target.survives(() => knock(target.server.url, options))).toMatchObject({ user: 'mallory' });
    const { body } = await target.server.rest('GET', '/v1/users/mallory/sessions');
    const { sessions } = body as { sessions: { userAgent: string | null }[] };
    expect(sessions.map(({ userAgent }) => userAgent?.length ?? 0).toSorted()).toEqual([301]);
  });

  it('over long-polling is refused', async () => {
    const refusal = await target.survives(() => knock(target.server.url, { auth: { token }, transports: ['polling'] }));
    expect(refusal).toBeInstanceOf(Error);
  });

  it('in a namespace that does not exist is refused', async () => {
    const refusal = await target.survives(() => knock(`${target.server.url}/admin`, { auth: { token } }));
    expect(refusal).toMatchObject({ code: 1012, retryable: false, message: expect.stringContaining('/admin') });
  });

  it('with a forwarded address is known by the address it came from', async () => {
    const attacker = await Attacker.enter(target.server.url, [], { extraHeaders: { 'x-forwarded-for': '6.6.6.6' } });
    const { body } = await target.server.rest('GET', '/v1/users/mallory/connections');
    attacker.leave();
    expect(body).toMatchObject({ connections: [{ address: expect.stringMatching(/127\.0\.0\.1$/) }] });
  });
});

const CONNECT = `40${JSON.stringify({ token })}`;

describe('a transport that', () => {
  it('says CONNECT with a token is let in', async () => {
    const stranger = await Stranger.come(target.server.url);
    try {
      stranger.sendFrame(CONNECT);
      await until('it is let in', () => stranger.heard.some((packet) => packet.startsWith('2["ready"')));
    } finally {
      stranger.leave();
    }
  });

  it.each([
    ['sends events before CONNECT', ['42["publish",{}]']],
    ['acknowledges what nobody asked, before CONNECT', ['431["x"]']],
    ['says CONNECT twice', [CONNECT, CONNECT]],
    ['says CONNECT with a list', ['40["x"]']],
    ['says CONNECT with broken JSON', [`40{"token":"${SECRET_TEXT}`]],
    ['sends a packet of no known type', [CONNECT, '49{}']],
    ['sends a frame that Engine.IO does not know', ['9zzz']],
  ])('%s is hung up on', async (_, frames) => {
    await target.survives(async () => {
      const stranger = await Stranger.come(target.server.url);
      try {
        for (const frame of frames) stranger.sendFrame(frame);
        await until('the server hangs up', () => stranger.isHungUp);
      } finally {
        stranger.leave();
      }
    });
  });

  it('says CONNECT 200 times at once is hung up on, and was never 200 connections', async () => {
    await target.survives(async () => {
      const stranger = await Stranger.come(target.server.url);
      try {
        stranger.sendAtOnce(Array<string>(200).fill(CONNECT));
        await until('the server hangs up', () => stranger.isHungUp);
        expect(stranger.heard.filter((packet) => packet.startsWith('2["ready"')).length).toBeLessThanOrEqual(1);
      } finally {
        stranger.leave();
      }
    });
  });

  it('says CONNECT again after a refusal may be let in', async () => {
    const stranger = await Stranger.come(target.server.url);
    try {
      stranger.sendFrame('40{"token":"forged"}');
      await until('it is refused', () => stranger.heard.some((packet) => packet.includes('2002')));
      stranger.sendFrame(CONNECT);
      await until('it is let in', () => stranger.heard.some((packet) => packet.startsWith('2["ready"')));
    } finally {
      stranger.leave();
    }
  });
});

/** By hand, to make what no library would. */
function sign(payload: object, header: object = {}, secret = JWT_SECRET): string {
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

/** JSON.parse makes an own property of `__proto__`, a literal would not. */
function json(text: string): object {
  return JSON.parse(text) as object;
}

function manyChannels(count: number): Record<string, number> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`group:${i}`, 1]));
}
