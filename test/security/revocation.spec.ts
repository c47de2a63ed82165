import { createHmac, randomUUID } from 'node:crypto';
import type { WireError } from '#protocol';
import { ADMIN_API_KEYS, ask } from '../admin/operator.js';
import { JWT_SECRET, type RestAnswer, type Server } from '../support/server.js';
import { TestClient } from '../support/test-client.js';
import { twoInstances } from '../support/two-instances.js';
import { until } from '../support/until.js';

/** What is promised for open sockets, by the hint or by the poll. */
const CLOSED_WITHIN_MS = 2_000;
const ENDED = { code: 2005, retryable: false };
const BANNED = { code: 2006, retryable: false };

const { cluster, here, there } = await twoInstances({ ADMIN_API_KEYS }, { there: { NOTIFY: 'off' } });

interface Claims {
  readonly sub: string;
  readonly iat?: number;
  readonly sid?: string;
}

/** As an issuer makes it whose clock is `behindS` behind. Without a jti, two of one second are the same token. */
function issue({ sub, ...more }: Claims, behindS = 0): string {
  const now = Math.floor(Date.now() / 1_000) - behindS;
  const claims = { sub, iat: now, exp: now + 3_600, jti: randomUUID(), grants: ['publish:user:*'], ...more };
  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');
  const text = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
  return `${text}.${createHmac('sha256', JWT_SECRET).update(text).digest('base64url')}`;
}

interface Shown {
  readonly user: string;
  readonly deviceId?: string;
  readonly token: string;
}

const connect = (server: Server, shown: Shown): Promise<TestClient> => cluster.connect(server, shown);

/** How the handshake is answered: with the refusal, or undefined if it is let in. */
async function refusalOf(server: Server, shown: Shown): Promise<WireError | undefined> {
  const client = cluster.keep(TestClient.open(server.url, shown));
  await until('it is answered', () => client.ready ?? client.refusal);
  return client.refusal;
}

async function expectClosed(clients: readonly TestClient[], reason: object): Promise<void> {
  for (const client of clients) {
    await until('it is closed', () => client.disconnectReason, CLOSED_WITHIN_MS);
    expect(client.closing).toMatchObject(reason);
  }
}

const revokeAll = (user: string): Promise<RestAnswer> =>
  here.rest('DELETE', `/v1/users/${encodeURIComponent(user)}/sessions`);

describe('a logout without a sid', () => {
  it('refuses the token on every device, and a new login of the same second is let in', async () => {
    const token = issue({ sub: 'ann' });
    const phone = await connect(here, { user: 'ann', deviceId: 'phone', token });
    expect(await phone.ask('logout', {})).toMatchObject({ ok: true });
    for (const deviceId of ['phone', 'another', 'and-another']) {
      expect(await refusalOf(there, { user: 'ann', deviceId, token })).toMatchObject(ENDED);
    }
    // Also by the clock of an issuer that is behind: the same device, at once.
    for (const behindS of [0, 5]) {
      const again = { user: 'ann', deviceId: 'phone', token: issue({ sub: 'ann' }, behindS) };
      expect(await refusalOf(here, again)).toBeUndefined();
    }
    expect(await refusalOf(here, { user: 'ann', deviceId: 'phone', token })).toMatchObject(ENDED);
  });

  it('refuses every token the session was shown, and leaves the other devices alone', async () => {
    const [first, second, other] = [1, 2, 3].map(() => issue({ sub: 'ben' })) as [string, string, string];
    const phone = await connect(here, { user: 'ben', deviceId: 'phone', token: first });
    await phone.must('token', { token: second });
    const laptop = await connect(there, { user: 'ben', deviceId: 'laptop', token: other });
    expect(await phone.ask('logout', {})).toMatchObject({ ok: true });
    await expectClosed([phone], ENDED);
    for (const token of [first, second]) {
      expect(await refusalOf(there, { user: 'ben', deviceId: 'tablet', token })).toMatchObject(ENDED);
    }
    expect(await laptop.ask('presence', { channel: 'user:ben' })).toMatchObject({ ok: true });
    expect(await refusalOf(here, { user: 'ben', deviceId: 'laptop', token: other })).toBeUndefined();
  });

  it('closes the sockets of the same token on other devices', async () => {
    const token = issue({ sub: 'cid' });
    const phone = await connect(here, { user: 'cid', deviceId: 'phone', token });
    const tablet = await connect(there, { user: 'cid', deviceId: 'tablet', token });
    expect(await phone.ask('logout', {})).toMatchObject({ ok: true });
    await expectClosed([phone, tablet], ENDED);
  });

  it('refuses an earlier token that nobody had shown, on its device', async () => {
    const phone = await connect(here, { user: 'dee', deviceId: 'phone', token: issue({ sub: 'dee' }) });
    await phone.ask('logout', {});
    const hoarded = issue({ sub: 'dee' }, 60);
    expect(await refusalOf(here, { user: 'dee', deviceId: 'phone', token: hoarded })).toMatchObject(ENDED);
  });
});

describe('the token of a session', () => {
  it('cannot be replaced by one without its sid, which would outlive its revocation', async () => {
    const client = await connect(here, { user: 'eve', token: issue({ sub: 'eve', sid: 'login-1' }) });
    const refused = { ok: false, error: { code: 2002, message: expect.stringContaining('sid') } };
    expect(await client.ask('token', { token: issue({ sub: 'eve' }) })).toMatchObject(refused);
    expect(await client.ask('token', { token: issue({ sub: 'eve', sid: 'login-2' }) })).toMatchObject(refused);
    expect(await client.ask('token', { token: issue({ sub: 'eve', sid: 'login-1' }) })).toMatchObject({ ok: true });
  });

  it('nor one without a sid by one that has one', async () => {
    const client = await connect(here, { user: 'flo', deviceId: 'phone', token: issue({ sub: 'flo' }) });
    for (const sid of ['login-1', 'device:phone']) {
      const answer = await client.ask('token', { token: issue({ sub: 'flo', sid }) });
      expect(answer).toMatchObject({ ok: false, error: { code: 2002, message: expect.stringContaining('sid') } });
    }
  });

  it('cannot name the session of a device as its sid', async () => {
    const shown = { user: 'flo', token: issue({ sub: 'flo', sid: 'device:phone' }) };
    expect(await refusalOf(here, shown)).toMatchObject({ code: 2002, message: expect.stringContaining('sid') });
  });
});

describe('DELETE /v1/users/:id/sessions', () => {
  it('ends every session, refuses every token shown or issued before, and lets a new login in at once', async () => {
    const tokens = [issue({ sub: 'gus' }), issue({ sub: 'gus' }), issue({ sub: 'gus', sid: 'login-1' })];
    const clients = await Promise.all(
      tokens.map((token, index) => connect(index % 2 ? there : here, { user: 'gus', deviceId: `d${index}`, token })),
    );
    const neighbour = await connect(there, { user: 'gusti', token: issue({ sub: 'gusti' }) });
    expect(await revokeAll('gus')).toMatchObject({ status: 200, body: { ok: true, user: 'gus', ended: 3 } });
    await expectClosed(clients, ENDED);
    const unseen = [issue({ sub: 'gus' }, 60), issue({ sub: 'gus', sid: 'login-0' }, 60)];
    for (const token of [...tokens, ...unseen]) {
      expect(await refusalOf(there, { user: 'gus', deviceId: 'fresh', token })).toMatchObject(ENDED);
    }
    for (const token of [issue({ sub: 'gus' }), issue({ sub: 'gus', sid: 'login-2' }, 5)]) {
      expect(await refusalOf(there, { user: 'gus', deviceId: 'd0', token })).toBeUndefined();
    }
    expect((await neighbour.ask('presence', { channel: 'user:gusti' })).ok).toBe(true);
    expect(await revokeAll('gus')).toMatchObject({ status: 200, body: { ended: 2 } });
  });

  it('holds for a user who has never been here', async () => {
    expect(await revokeAll('Hal Hall')).toMatchObject({ status: 200, body: { user: 'Hal Hall', ended: 0 } });
    const stolen = issue({ sub: 'Hal Hall', sid: 'x' }, 60);
    expect(await refusalOf(here, { user: 'Hal Hall', token: stolen })).toMatchObject(ENDED);
  });
});

describe('a ban', () => {
  it('closes the sockets, refuses every token at the handshake and in `token`, and ends', async () => {
    const [login, spare] = [issue({ sub: 'ida' }), issue({ sub: 'ida', sid: 's' })];
    const clients = await Promise.all([
      connect(here, { user: 'ida', token: login }),
      connect(there, { user: 'ida', token: spare }),
    ]);
    const ban = await ask(here, 'PUT', '/users/ida/ban', { reason: 'spam' });
    expect(ban).toMatchObject({ status: 200, body: { ok: true, user: 'ida', ban: { reason: 'spam', until: null } } });
    await expectClosed(clients, BANNED);
    for (const token of [login, spare, issue({ sub: 'ida' })]) {
      expect(await refusalOf(there, { user: 'ida', token })).toMatchObject(BANNED);
    }
    expect((await ask(here, 'GET', '/users/ida')).body).toMatchObject({ ban: { reason: 'spam', until: null } });
    expect(await ask(here, 'DELETE', '/users/ida/ban')).toMatchObject({ status: 200, body: { ok: true } });
    for (const token of [login, spare]) expect(await refusalOf(there, { user: 'ida', token })).toBeUndefined();
    expect(await ask(here, 'DELETE', '/users/ida/ban')).toMatchObject({ status: 404 });
    expect((await ask(here, 'GET', '/users/ida')).body).toMatchObject({ ban: null });
  });

  it('may have an end, by the database’s clock, and tells it', async () => {
    const token = issue({ sub: 'jon' });
    const soon = new Date(Date.now() + 2_000).toISOString();
    expect((await ask(here, 'PUT', '/users/jon/ban', { until: soon })).status).toBe(200);
    expect((await refusalOf(here, { user: 'jon', token }))?.message).toContain(soon);
    await until('it has ended', async () => (await refusalOf(there, { user: 'jon', token })) === undefined);
  });

  it('cannot have ended already, nor be of an unknown shape', async () => {
    const past = new Date(Date.now() - 60_000).toISOString();
    for (const body of [
      { until: past },
      { until: 'tomorrow' },
      { reason: 7 },
      { reason: 'x'.repeat(501) },
      { why: '' },
    ])
      expect((await ask(here, 'PUT', '/users/kim/ban', body)).status).toBe(400);
    expect(await refusalOf(here, { user: 'kim', token: issue({ sub: 'kim' }) })).toBeUndefined();
  });
});

it('every one of these is in the audit, with the name of the key', async () => {
  await here.rest('DELETE', '/v1/users/lea/sessions');
  await here.rest('DELETE', '/v1/users/lea/sessions/login-1');
  await ask(here, 'PUT', '/users/lea/ban', { reason: 'spam' });
  await ask(here, 'DELETE', '/users/lea/ban');
  const { body } = await ask(here, 'GET', '/audit?limit=4');
  expect(body).toMatchObject({
    changes: [
      { key: 'hands', action: 'unban-user', target: 'lea', result: 'ok' },
      { key: 'hands', action: 'ban-user', target: 'lea', details: { reason: 'spam' }, result: 'ok' },
      { key: 'tests', action: 'revoke-session', target: 'lea login-1', result: expect.stringContaining('1012') },
      { key: 'tests', action: 'revoke-sessions', target: 'lea', result: 'ok' },
    ],
  });
});
