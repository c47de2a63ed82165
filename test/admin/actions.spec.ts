import { publish } from '../guarantees/publish.js';
import { twoInstances } from '../support/two-instances.js';
import { until } from '../support/until.js';
import { ADMIN_API_KEYS, ask, keyFor } from './operator.js';

const {
  database,
  cluster,
  here: near,
  there: far,
} = await twoInstances({ ADMIN_API_KEYS, BEAT_MS: '1000', LEASE_MS: '5000' });

it('there is no such route, for anybody, unless keys are set', async () => {
  const plain = await cluster.start({ ADMIN_API_KEYS: '' });
  const unknown = await plain.rest('GET', '/nowhere', undefined, null);
  for (const key of [keyFor('read'), null]) {
    expect(await plain.rest('GET', '/admin/v1/status', undefined, key)).toEqual(unknown);
    expect(await plain.rest('DELETE', '/admin/v1/connections/x', undefined, key)).toEqual(unknown);
  }
  expect(unknown).toMatchObject({ status: 404, body: { ok: false, error: { code: 1012 } } });
  const response = await fetch(`${plain.url}/docs-json`);
  expect(await response.text()).not.toContain('/admin/');
  await plain.end('SIGKILL');
});

it('closes a connection of another instance, whose client may come back', async () => {
  const phone = await cluster.connect(far, { user: 'ann', deviceId: 'phone' });
  const tablet = await cluster.connect(far, { user: 'ann', deviceId: 'tablet' });
  const answer = await ask(near, 'DELETE', `/connections/${phone.ready?.connectionId}`);
  expect(answer.body).toEqual({ ok: true, ordered: 1 });
  await until('it is closed', () => phone.disconnectReason, 3_000);
  expect(phone.closing).toMatchObject({ code: 4009, retryable: true });
  expect(tablet.disconnectReason).toBeUndefined();
  await until('it left the registry', async () => {
    const { body } = await ask(near, 'GET', '/connections?user=ann');
    return (body as { connections: unknown[] }).connections.length === 1;
  });
  const again = await ask(near, 'DELETE', `/connections/${phone.ready?.connectionId}`);
  expect(again).toMatchObject({ status: 404, body: { error: { code: 1012 } } });
});

it('closes all connections of a user, wherever they are', async () => {
  const clients = await Promise.all(
    [near, far].map((server, index) => cluster.connect(server, { user: 'ben', deviceId: `d${index}` })),
  );
  const other = await cluster.connect(near, { user: 'cid' });
  expect((await ask(near, 'DELETE', '/users/ben/connections')).body).toEqual({ ok: true, ordered: 2 });
  await until('both are closed', () => clients.every(({ closing }) => closing?.code === 4009));
  expect(other.disconnectReason).toBeUndefined();
});

it('drains another instance: its clients are sent elsewhere, its process ends with 0', async () => {
  const doomed = await cluster.start();
  const client = await cluster.connect(doomed, { user: 'dee' });
  const { body } = await ask(near, 'POST', `/instances/${doomed.instanceId}/drain`);
  expect(body).toEqual({ ok: true, instanceId: doomed.instanceId });
  await until('it has ended', () => !doomed.isRunning, 15_000);
  expect([doomed.process.exitCode, client.reconnect !== undefined]).toEqual([0, true]);
  const gone = await ask(near, 'POST', `/instances/${doomed.instanceId}/drain`);
  expect(gone).toMatchObject({ status: 404, body: { error: { code: 1012 } } });
  expect(await database.query('select 1 from trunkline.instance_orders')).toEqual([]);
});

it('executes commands without hints, within a beat', async () => {
  const deaf = await cluster.start({ NOTIFY: 'off' });
  const client = await cluster.connect(deaf, { user: 'eve' });
  await database.query(`insert into trunkline.instance_orders (instance_id, kind, connection_id)
                        values ('${deaf.instanceId}', 'disconnect', '${client.ready?.connectionId}')`);
  await until('it is closed', () => client.closing, 5_000);
  await deaf.end('SIGKILL');
});

it('leads through a list page by page, each row once', async () => {
  await Promise.all([1, 2, 3, 4, 5].map((n) => publish(near, { channel: `group:page-${n}` })));
  const seen: string[] = [];
  let cursor: string | null = '';
  for (let page = 0; cursor !== null && page < 9; page++) {
    const query: string = `/channels?prefix=group%3Apage&limit=2${cursor ? `&cursor=${cursor}` : ''}`;
    const { body } = (await ask(near, 'GET', query)) as {
      body: { channels: { channel: string }[]; next: string | null };
    };
    seen.push(...body.channels.map(({ channel }) => channel));
    cursor = body.next;
  }
  expect(seen).toEqual([1, 2, 3, 4, 5].map((n) => `group:page-${n}`));
  const { body } = await ask(near, 'GET', '/channels?prefix=group%3Apage&limit=5');
  expect(body).toMatchObject({ channels: { length: 5 }, next: null });
});

it('leads through the connections of everybody and of one user', async () => {
  const clients = ['gus', 'hal', 'hal', 'hal', 'ian'].map((user, index) =>
    cluster.connect(index % 2 === 0 ? near : far, { user, deviceId: `d${index}` }),
  );
  await Promise.all(clients);
  const pages = async (filter: string): Promise<string[]> => {
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const query: string = `/connections?limit=2${filter}${cursor ? `&cursor=${cursor}` : ''}`;
      const { body } = (await ask(near, 'GET', query)) as {
        body: { connections: { user: string; connectionId: string }[]; next: string | null };
      };
      seen.push(...body.connections.map(({ user, connectionId }) => `${user} ${connectionId}`));
      cursor = body.next;
    }
    expect(new Set(seen).size).toBe(seen.length);
    return seen.map((one) => one.split(' ')[0] ?? '').filter((user) => ['gus', 'hal', 'ian'].includes(user));
  };
  expect(await pages('')).toEqual(['gus', 'hal', 'hal', 'hal', 'ian']);
  expect(await pages('&user=hal')).toEqual(['hal', 'hal', 'hal']);
  expect(await pages(`&user=hal&instance=${near.instanceId}`)).toEqual(['hal']);
  expect(await pages('&device=d4')).toEqual(['ian']);
});

it.each([
  ['/users?cursor=bm90LWpzb24', 1000],
  ['/users?cursor=W10', 1000],
  ['/jobs/orphans/runs?cursor=WyJhIl0', 1000],
  ['/dead-letters?cursor=WyJ4IiwiMDE5NjNlMWMtN2EzMC03YjRlLTlmNjQtMmM4ZDFkMWY3YTEwIiwiIiwiIl0', 1000],
  ['/users?limit=501', 1000],
  ['/users?limit=0', 1000],
  ['/users?limit=1&limit=2', 1000],
  ['/users?color=red', 1008],
  [`/connections?user=${'x'.repeat(500)}`, 1000],
  ['/connections?user=a%00b', 1000],
  ['/channels/nowhere', 1002],
  ['/messages/not-a-uuid', 1000],
  ['/stats?from=2030-01-01T00:00:00Z&to=2030-01-03T00:00:00Z', 1000],
  ['/stats?from=2030-01-02T00:00:00Z&to=2030-01-01T00:00:00Z', 1000],
  ['/stats?stepS=1', 1000],
  ['/stats?from=yesterday', 1000],
])('refuses %s with %d', async (path, code) => {
  expect(await ask(near, 'GET', path)).toMatchObject({ status: 400, body: { ok: false, error: { code } } });
});

it('shows a user with what each device has before it, and counts what went through', async () => {
  const phone = await cluster.connect(near, { user: 'fay', deviceId: 'phone' });
  const { id } = await publish(near, { channel: 'user:fay' });
  await until('it came', () => phone.received.length === 1);
  phone.close();
  await until('it is gone', async () => {
    const { body } = await ask(near, 'GET', '/users/fay');
    return (body as { connections: unknown[] }).connections.length === 0;
  });
  await publish(near, { channel: 'user:fay' });
  const { body } = await ask(near, 'GET', '/users/fay');
  expect(body).toMatchObject({ user: 'fay', pending: 1, devices: [{ deviceId: 'phone' }] });
  expect(body).toMatchObject({ cursors: [{ channel: 'user:fay', deliveredSeq: 1, lastSeq: 2, pending: 1 }, {}] });
  const told = await ask(near, 'GET', `/messages/${id}`);
  expect(told.body).toMatchObject({ deliveries: [{ user: 'fay', cause: 'delivered' }] });

  const stats = (await ask(near, 'GET', '/stats')).body as { steps: { published: number; acknowledged: number }[] };
  const sum = (key: 'published' | 'acknowledged') => stats.steps.reduce((total, step) => total + step[key], 0);
  const [stored] = await database.query<{ count: string }>('select count(*) from trunkline.messages');
  expect([sum('published'), sum('acknowledged') >= 1, stats.steps.length >= 60]).toEqual([
    Number(stored?.count),
    true,
    true,
  ]);
});

it('runs a job, and lists its runs', async () => {
  const dry = await ask(near, 'POST', '/jobs/orphans/run', { dryRun: true });
  expect(dry.body).toMatchObject({ ok: true, job: 'orphans', ran: true, rows: 0, error: null });
  expect((await ask(near, 'POST', '/jobs/orphans/run')).body).toMatchObject({ ok: true, ran: true });
  const { body } = await ask(near, 'GET', '/jobs/orphans/runs');
  expect(body).toMatchObject({ runs: expect.arrayContaining([expect.objectContaining({ rows: 0, error: null })]) });
  expect(await ask(near, 'POST', '/jobs/sweep/run', {})).toMatchObject({ status: 404 });
  expect(await ask(near, 'POST', '/jobs/orphans/run', { force: true })).toMatchObject({ status: 400 });
});

it('a body that nobody could write down is refused, and harms nothing', async () => {
  const deep = `{"dryRun":true,"x":${'['.repeat(90_000)}${']'.repeat(90_000)}}`;
  for (const body of [deep, '{"dryRun":"\\u0000"}', '[]', '"x"', '7', '{"__proto__":{"dryRun":true}}'])
    expect(await ask(near, 'POST', '/jobs/orphans/run', body)).toMatchObject({ status: 400 });
  expect((await ask(near, 'GET', '/status')).status).toBe(200);
});

it('writes down changes that failed, too, with what the caller sent', async () => {
  await ask(near, 'POST', '/instances/nobody/drain');
  const { body } = await ask(near, 'GET', '/audit?limit=1');
  const expected = {
    key: 'hands',
    action: 'drain-instance',
    target: 'nobody',
    result: '1012 there is no such instance',
  };
  expect(body).toMatchObject({ changes: [expected] });
});
