import type { TestClient } from '../support/test-client.js';
import { twoInstances } from '../support/two-instances.js';
import { until } from '../support/until.js';

const { cluster, here, there } = await twoInstances();

async function publish(channel: string, ...bodies: unknown[]): Promise<void> {
  for (const data of bodies) {
    const { body } = await here.rest('POST', '/v1/messages', { channel, type: 'note', data });
    expect(body).toMatchObject({ ok: true });
  }
}

/** Waits until it received everything up to this body. */
async function receives(client: TestClient, channel: string, body: unknown): Promise<void> {
  await until(`${String(body)} came`, () => client.bodies(channel).includes(body));
}

/** Ends the connection once the server has stored how far it acknowledged. */
async function leave(client: TestClient): Promise<void> {
  await client.must('ack', Object.fromEntries(client.position));
  client.close();
}

it('keeps a position for each device: what one has read, the other still gets', async () => {
  const phone = await cluster.connect(here, { user: 'ann', deviceId: 'phone' });
  const laptop = await cluster.connect(there, { user: 'ann', deviceId: 'laptop' });
  await publish('user:ann', 'a');
  await Promise.all([receives(phone, 'user:ann', 'a'), receives(laptop, 'user:ann', 'a')]);
  await leave(laptop);
  await publish('user:ann', 'b', 'c');
  await receives(phone, 'user:ann', 'c');
  await leave(phone);
  await publish('user:ann', 'd');

  const phoneAgain = await cluster.connect(there, { user: 'ann', deviceId: 'phone' });
  const laptopAgain = await cluster.connect(here, { user: 'ann', deviceId: 'laptop' });
  await Promise.all([receives(phoneAgain, 'user:ann', 'd'), receives(laptopAgain, 'user:ann', 'd')]);
  expect(phoneAgain.raw.map(({ data }) => data)).toEqual(['d']);
  expect(laptopAgain.raw.map(({ data }) => data)).toEqual(['b', 'c', 'd']);
});

it('starts a new device where the most advanced device of its user is', async () => {
  const first = await cluster.connect(here, { user: 'ben', deviceId: 'first' });
  const second = await cluster.connect(here, { user: 'ben', deviceId: 'second' });
  await first.must('join', { channel: 'group:ben' });
  await publish('user:ben', 1);
  await publish('group:ben', 1);
  for (const client of [first, second]) {
    await receives(client, 'user:ben', 1);
    await receives(client, 'group:ben', 1);
  }
  await leave(second);
  await publish('user:ben', 2);
  await publish('group:ben', 2);
  await receives(first, 'user:ben', 2);
  await receives(first, 'group:ben', 2);
  await leave(first);
  await publish('user:ben', 3);
  await publish('group:ben', 3);

  const third = await cluster.connect(there, { user: 'ben', deviceId: 'third' });
  await receives(third, 'user:ben', 3);
  await receives(third, 'group:ben', 3);
  expect(third.raw.map(({ data }) => data)).toEqual([3, 3]);
});

it('lets connections without a device id share one position', async () => {
  const one = await cluster.connect(here, { user: 'cid' });
  const two = await cluster.connect(there, { user: 'cid' });
  await publish('user:cid', 'to both');
  await Promise.all([receives(one, 'user:cid', 'to both'), receives(two, 'user:cid', 'to both')]);
  two.close();
  await publish('user:cid', 'to the one');
  await receives(one, 'user:cid', 'to the one');
  await leave(one);
  await publish('user:cid', 'to neither');

  const three = await cluster.connect(there, { user: 'cid' });
  await receives(three, 'user:cid', 'to neither');
  expect(three.raw.map(({ data }) => data)).toEqual(['to neither']);
  expect(three.ready?.deviceId).toBe('default');
});

it('gives a device that was away while its user joined a group everything since the join', async () => {
  const tablet = await cluster.connect(here, { user: 'dee', deviceId: 'tablet' });
  await leave(tablet);
  await publish('group:dee', 'before the join');
  const phone = await cluster.connect(here, { user: 'dee', deviceId: 'phone' });
  await phone.must('join', { channel: 'group:dee' });
  await publish('group:dee', 'first', 'second');
  await receives(phone, 'group:dee', 'second');
  await leave(phone);
  await publish('group:dee', 'third');

  const tabletAgain = await cluster.connect(there, { user: 'dee', deviceId: 'tablet' });
  await receives(tabletAgain, 'group:dee', 'third');
  expect(tabletAgain.raw.map(({ data }) => data)).toEqual(['first', 'second', 'third']);
});

it('lets all devices of a user hear a group that one of them joined', async () => {
  const phone = await cluster.connect(here, { user: 'eli', deviceId: 'phone' });
  const laptop = await cluster.connect(there, { user: 'eli', deviceId: 'laptop' });
  await phone.must('join', { channel: 'group:eli' });
  await until('the laptop knows', () => laptop.memberships.length === 1);
  await publish('group:eli', 'hello');
  await Promise.all([receives(phone, 'group:eli', 'hello'), receives(laptop, 'group:eli', 'hello')]);
});
