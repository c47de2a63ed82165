import { inDays } from '../support/in-days.js';
import type { Server } from '../support/server.js';
import { twoInstances } from '../support/two-instances.js';
import { until } from '../support/until.js';

// Polling once a minute: only the hint can have told the other instance of a membership.
const { database, cluster, here, there } = await twoInstances({ POLL_MS: '60000' });

const seat = (group: string, user: string): string => `/v1/channels/${encodeURIComponent(group)}/members/${user}`;

async function publish(channel: string, data: unknown, server = here): Promise<void> {
  const { body } = await server.rest('POST', '/v1/messages', { channel, type: 'note', data });
  expect(body).toMatchObject({ ok: true });
}

it('a membership made over REST reaches the live connections of the user on another instance', async () => {
  await publish('group:new', 'too early');
  const devices = await Promise.all(
    ['phone', 'laptop'].map((deviceId) => cluster.connect(there, { user: 'ann', deviceId })),
  );
  const { status, body } = await here.rest('PUT', seat('group:new', 'ann'));
  expect({ status, body }).toEqual({ status: 200, body: { ok: true, channel: 'group:new', user: 'ann', seq: 1 } });
  await publish('group:new', 'in time');

  for (const device of devices) {
    await until('the message came', () => device.bodies('group:new').length > 0);
    expect(device.bodies('group:new')).toEqual(['in time']);
    expect(device.memberships).toEqual([{ channel: 'group:new', state: 'joined', seq: 1 }]);
  }
});

it('a membership ended over REST ends delivery to the live connections on another instance', async () => {
  await here.rest('PUT', seat('group:old', 'ben'));
  const ben = await cluster.connect(there, { user: 'ben', grants: [] });
  await publish('group:old', 'while a member');
  await until('the message came', () => ben.bodies('group:old').length === 1);

  const { status } = await here.rest('DELETE', seat('group:old', 'ben'));
  expect(status).toBe(200);
  await until('ben knows', () => ben.memberships.length === 1);
  expect(ben.memberships).toEqual([{ channel: 'group:old', state: 'left', seq: 1 }]);
  await publish('group:old', 'no longer');
  await publish('user:ben', 'goodbye');
  await until('what was published later came', () => ben.bodies('user:ben').length === 1);
  expect(ben.bodies('group:old')).toEqual(['while a member']);
  expect(await ben.ask('publish', { channel: 'group:old', type: 'note', data: 'me?' })).toMatchObject({
    ok: false,
    error: { code: 3001 },
  });
});

it('one who leaves and comes back hears nothing of the time between', async () => {
  await here.rest('PUT', seat('group:gate', 'cid'));
  const cid = await cluster.connect(there, { user: 'cid' });
  await publish('group:gate', 'inside');
  await until('the message came', () => cid.bodies('group:gate').length === 1);
  await here.rest('DELETE', seat('group:gate', 'cid'));
  await until('cid knows', () => cid.memberships.length === 1);
  await publish('group:gate', 'outside');
  await here.rest('PUT', seat('group:gate', 'cid'));
  await publish('group:gate', 'inside again');

  await until('the message came', () => cid.bodies('group:gate').includes('inside again'));
  expect(cid.bodies('group:gate')).toEqual(['inside', 'inside again']);
});

it('ending a membership that is none says so', async () => {
  const { status, body } = await here.rest('DELETE', seat('group:old', 'nobody'));
  expect(status).toBe(404);
  expect(body).toMatchObject({ ok: false, error: { code: 1012 } });
});

it('the instances keep no route to a group that none of their connections reads any more', async () => {
  await here.rest('PUT', seat('group:routed', 'dan'));
  await cluster.connect(there, { user: 'dan' });
  const routes = (): Promise<{ instance_id: string }[]> =>
    database.query("select instance_id from trunkline.routes where channel = 'group:routed'");
  expect(await routes()).toEqual([{ instance_id: there.instanceId }]);
  cluster.closeClients();
  await until('the route is gone', async () => (await routes()).length === 0);
});

describe('a member whose connection does not know of it yet', () => {
  let deaf: Server;

  // No hint reaches it, and it polls once a minute.
  beforeAll(async () => {
    deaf = await cluster.start({ NOTIFY: 'off' });
  });

  it('may publish, read history, subscribe, and see who is online', async () => {
    const eve = await cluster.connect(deaf, { user: 'eve', grants: [] });
    const refusal = { ok: false, error: { code: 3001 } };
    const requests = [
      ['publish', { type: 'note', data: 'hello' }],
      ['schedule', { type: 'note', data: 'later', sendAt: inDays(300) }],
      ['history', {}],
      ['subscribe', {}],
      ['presence', {}],
      ['watch', {}],
    ] as const;
    for (const [name, request] of requests) {
      const channel = `group:unknown-${name}`;
      expect([name, await eve.send(name, { channel, ...request })]).toMatchObject([name, refusal]);
      await here.rest('PUT', seat(channel, 'eve'));
      expect([name, await eve.send(name, { channel, ...request })]).toMatchObject([name, { ok: true }]);
    }
    await publish('group:unknown-publish', 'and more', deaf);
    await until('it reads the group from then on', () => eve.bodies('group:unknown-publish').length === 2);
  });

  it('reads from where its membership began, also if it subscribes by a grant', async () => {
    const fay = await cluster.connect(deaf, { user: 'fay', grants: ['subscribe:*'] });
    await here.rest('PUT', seat('group:early', 'fay'));
    await publish('group:early', 'since the join');
    expect(await fay.must('subscribe', { channel: 'group:early' })).toMatchObject({ seq: 0, lastSeq: 1 });
    await publish('group:early', 'later', deaf);
    await until('the later one came', () => fay.bodies('group:early').includes('later'));
    expect(fay.bodies('group:early')).toEqual(['since the join', 'later']);
  });
});
