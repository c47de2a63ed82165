import { randomUUID } from 'node:crypto';
import { inboxOf, type RequestResult } from '#protocol';
import { ADMIN_API_KEYS, ask } from '../admin/operator.js';
import { runCli } from '../support/run-cli.js';
import { API_KEY, type RestAnswer } from '../support/server.js';
import type { TestClient } from '../support/test-client.js';
import { twoInstances } from '../support/two-instances.js';
import { until } from '../support/until.js';

const { database, cluster, here, there } = await twoInstances({ ADMIN_API_KEYS, PRESENCE_DEBOUNCE_MS: '0' });

const rest = (method: string, path: string, body?: unknown): Promise<RestAnswer> => here.rest(method, path, body);

/** Waits until the application got this body on that channel. */
async function gets(client: TestClient, channel: string, data: unknown): Promise<void> {
  await until(`it gets ${JSON.stringify(data)}`, () => client.bodies(channel).includes(data));
}

describe.each(['auth0|abc', 'google-oauth2|1', 'Ann Lee', 'jürgen', '🦊', '100%', 'a/b:c', '%7C'])(
  'the user %s',
  (user) => {
    const inbox = inboxOf(user);
    const path = `/v1/users/${encodeURIComponent(user)}`;
    const group = `group:friends-of-${Buffer.from(user).toString('hex')}`;
    const members = `/v1/channels/${encodeURIComponent(group)}/members`;
    const friend = `friend of ${user}`;

    afterEach(async () => {
      cluster.closeClients();
      await until('nobody is left', async () => {
        const { body } = await rest('GET', `${path}/presence`);
        return (body as { isOnline: boolean }).isOnline === false;
      });
    });

    it('gets what REST and sockets publish to its inbox, and reads its history', async () => {
      const client = await cluster.connect(there, { user, grants: [] });
      expect(client.ready).toMatchObject({
        user,
        channels: expect.arrayContaining([expect.objectContaining({ channel: inbox })]),
      });
      const other = await cluster.connect(here, { user: friend, grants: [`publish:${inbox}`] });
      const published = { channel: inbox, type: 'note' };
      expect(await rest('POST', '/v1/messages', { ...published, data: 'by REST' })).toMatchObject({ status: 200 });
      await other.must('publish', { ...published, data: 'by socket' });
      for (const data of ['by REST', 'by socket']) await gets(client, inbox, data);
      expect(client.received.at(-1)?.sender).toBe(friend);
      const pages: RequestResult<'history'>[] = [
        await client.must('history', { channel: inbox }),
        (await rest('GET', `/v1/channels/${encodeURIComponent(inbox)}/messages`)).body as RequestResult<'history'>,
      ];
      for (const page of pages) expect(page.messages.map(({ data }) => data)).toEqual(['by REST', 'by socket']);
      expect(await other.ask('history', { channel: inbox })).toMatchObject({ ok: false, error: { code: 3001 } });
    });

    it('is a member of groups, is excepted by its id, and is told who received its messages', async () => {
      expect(await rest('PUT', `${members}/${encodeURIComponent(user)}`)).toMatchObject({
        status: 200,
        body: { user },
      });
      await rest('PUT', `${members}/${encodeURIComponent(friend)}`);
      const [client, other] = await Promise.all([
        cluster.connect(here, { user, grants: [] }),
        cluster.connect(there, { user: friend, grants: [] }),
      ]);
      await rest('POST', '/v1/messages', { channel: group, type: 'note', data: 'not for it', exceptUser: user });
      await client.must('publish', {
        channel: group,
        type: 'note',
        data: 'from it',
        receipts: ['delivered'],
        exceptSelf: true,
      });
      await rest('POST', '/v1/messages', { channel: group, type: 'note', data: 'for both' });
      await Promise.all([gets(client, group, 'for both'), gets(other, group, 'for both')]);
      expect(client.bodies(group)).toEqual(['for both']);
      expect(other.bodies(group)).toEqual(['not for it', 'from it', 'for both']);
      await until('its receipt comes', () =>
        client.received.some(({ channel, type }) => channel === inbox && type === 'trunkline.receipt'),
      );
      expect(await rest('DELETE', `${members}/${encodeURIComponent(user)}`)).toMatchObject({ status: 200 });
      await until('it is told', () => client.memberships.some(({ state }) => state === 'left'));
    });

    it('is seen as online and as gone', async () => {
      const watcher = await cluster.connect(there, { user: friend, grants: [`presence:${inbox}`] });
      expect(await watcher.must('watch', { channel: inbox })).toEqual({ ok: true, channel: inbox, online: [] });
      const client = await cluster.connect(here, { user, grants: [] });
      await until('it has come', () => watcher.presences.includes(`${user} on`));
      expect(await client.must('presence', { channel: inbox })).toMatchObject({
        online: 1,
        users: [{ user, isOnline: true }],
      });
      expect((await rest('GET', `${path}/presence`)).body).toMatchObject({ user, isOnline: true });
      expect((await rest('GET', `${path}/connections`)).body).toMatchObject({ user, connections: [{}] });
      client.close();
      await until('it has gone', () => watcher.presences.includes(`${user} off`));
    });

    it('has sessions that can be listed and ended, and can be banned', async () => {
      const client = await cluster.connect(there, { user, grants: [], sessionId: `s-${randomUUID()}` });
      const { body } = await rest('GET', `${path}/sessions`);
      expect(body).toMatchObject({ ok: true, user });
      expect(await rest('DELETE', `${path}/sessions`)).toMatchObject({ status: 200, body: { user } });
      await until('it is closed', () => client.closing?.code === 2005);
      const again = await cluster.connect(here, { user, grants: [] });
      expect((await ask(here, 'GET', `/users/${encodeURIComponent(user)}`)).body).toMatchObject({
        user,
        connections: [{}],
      });
      expect((await ask(here, 'GET', `/connections?user=${encodeURIComponent(user)}`)).body).toMatchObject({
        connections: [{ user }],
      });
      expect((await ask(here, 'PUT', `/users/${encodeURIComponent(user)}/ban`, {})).status).toBe(200);
      await until('it is closed', () => again.closing?.code === 2006);
      expect((await ask(here, 'DELETE', `/users/${encodeURIComponent(user)}/ban`)).status).toBe(200);
      const { body: audit } = await ask(here, 'GET', '/audit?limit=1');
      expect(audit).toMatchObject({ changes: [{ action: 'unban-user', target: user }] });
    });

    it('gets what is published from SQL, unless it is excepted', async () => {
      const client = await cluster.connect(here, { user, grants: [] });
      await database.query(
        `select trunkline.publish($1, 'note', '"not for it"', jsonb_build_object('exceptUser', $2::text)),
                                 trunkline.publish($1, 'note', '"by SQL"')`,
        [inbox, user],
      );
      await gets(client, inbox, 'by SQL');
      expect(client.bodies(inbox)).not.toContain('not for it');
    });

    it('is named by its id on the command line', async () => {
      const env = { TRUNKLINE_URL: here.url, TRUNKLINE_API_KEY: API_KEY };
      const { body } = await rest('POST', '/v1/messages', { channel: inbox, type: 'note', data: 'why' });
      const why = await runCli(['why', (body as { id: string }).id, '--user', user], env);
      expect([why.code, why.stdout]).toEqual([0, expect.stringContaining(user)]);
      expect(why.stdout).not.toContain('not-addressed');
    });
  },
);

it.each([
  ['a control character in a user id', 'GET', `/v1/users/${encodeURIComponent('a\nb')}/presence`, 1000],
  ['bytes that are no UTF-8', 'GET', '/v1/users/a%FF/presence', 1000],
  ['half an escape', 'GET', '/v1/users/a%7/presence', 1000],
  ['an inbox by the id as it is', 'GET', `/v1/channels/${encodeURIComponent('user:auth0|abc')}/messages`, 1002],
])('refuses %s', async (_, method, path, code) => {
  expect(await rest(method, path)).toMatchObject({ status: 400, body: { ok: false, error: { code } } });
});
