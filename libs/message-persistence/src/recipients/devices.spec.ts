import { Database } from '#database';
import type { ProtocolError } from '#protocol';
import { serviceRan } from '../../../../test/support/service-ran.js';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/test-database.js';
import { Devices } from './devices.js';
import { Groups } from './groups.js';
import { Cursors } from './cursors.js';

let test: TestDatabase;
let database: Database;
let devices: Devices;
let groups: Groups;

const phone = { user: 'ada', deviceId: 'phone' };
const laptop = { user: 'ada', deviceId: 'laptop' };

beforeEach(async () => {
  test = await createTestDatabase();
  database = new Database({ url: test.url, poolSize: 2, applicationName: 'devices-spec', onError: () => undefined });
  devices = new Devices(database);
  groups = new Groups(database);
});
afterEach(async () => {
  await database.close();
  await test.drop();
});

describe('Devices', () => {
  it('gives a user its inbox, broadcast and the groups it is a member of', async () => {
    await groups.join({ channel: 'group:b', user: 'ada' });
    await groups.join({ channel: 'group:a', user: 'ada' });
    await groups.join({ channel: 'group:c', user: 'eve' });
    const opened = await devices.open(phone);
    expect(opened?.channels).toEqual(['user:ada', 'broadcast', 'group:a', 'group:b']);
  });

  it('starts the first device at what its inbox holds, its memberships, and the present end of broadcast', async () => {
    await reach('user:ada', 3);
    await reach('broadcast', 5);
    await reach('group:a', 7);
    await groups.join({ channel: 'group:a', user: 'ada' });
    await reach('group:a', 9);
    await devices.open(phone);
    expect(await positions(phone)).toEqual({ 'user:ada': 0, broadcast: 5, 'group:a': 7 });
  });

  it('starts a new device where the most advanced device of its user stands', async () => {
    await reach('user:ada', 10);
    await devices.open(phone);
    await acknowledge(phone, 'user:ada', 6);
    await devices.open({ user: 'ada', deviceId: 'idle' });
    await devices.open(laptop);
    expect(await positions(laptop)).toMatchObject({ 'user:ada': 6 });
  });

  it('keeps the positions of devices apart, and finds each again where it was', async () => {
    await reach('user:ada', 10);
    await devices.open(phone);
    await devices.open(laptop);
    await acknowledge(phone, 'user:ada', 6);
    await devices.open(laptop);
    expect(await positions(laptop)).toMatchObject({ 'user:ada': 0 });
    expect(await positions(phone)).toMatchObject({ 'user:ada': 6 });
  });

  it('starts a device it knows behind the joining of a group that it met since', async () => {
    await devices.open(phone);
    await reach('group:a', 4);
    await groups.join({ channel: 'group:a', user: 'ada' });
    await reach('group:a', 6);
    expect(await positions(phone)).toMatchObject({ 'group:a': 4 });
  });

  it('never stands beyond the end of a channel, whatever was acknowledged', async () => {
    await reach('user:ada', 5);
    await devices.open(phone);
    await acknowledge(phone, 'user:ada', 5);
    await test.query(`update trunkline.channels set last_seq = 3 where channel = 'user:ada'`);
    expect(await positions(phone)).toMatchObject({ 'user:ada': 3 });
  });

  it('opens many at once in one go, the same one twice among them', async () => {
    const keys = Array.from({ length: 300 }, (_, i) => ({ user: `u${i % 150}`, deviceId: 'd' }));
    const opened = await Promise.all(keys.map((key) => devices.open(key)));
    expect(opened.map((one) => one?.channels[0])).toEqual(keys.map(({ user }) => `user:${user}`));
    const [row] = await test.query('select count(*)::int as devices from trunkline.devices');
    expect(row).toEqual({ devices: 150 });
  });

  it('makes as many devices of a user as it may have, however many are asked for at once, and knows them again', async () => {
    const capped = new Devices(database, 3);
    const keys = Array.from({ length: 7 }, (_, i) => ({ user: 'ada', deviceId: `d${i}` }));
    const others = ['ben', 'cid'].map((user) => ({ user, deviceId: 'd' }));
    const opened = await Promise.all([...keys, ...others].map((key) => capped.open(key)));
    expect(opened.map((one) => one !== undefined)).toEqual([
      true,
      true,
      true,
      ...Array<boolean>(4).fill(false),
      true,
      true,
    ]);
    const again = await Promise.all(keys.map((key) => capped.open(key)));
    expect(again.map((one) => one !== undefined)).toEqual([true, true, true, false, false, false, false]);
    expect(await capped.open({ user: 'ada', deviceId: 'late' })).toBeUndefined();
  });

  it('has those give way that were not seen for a day of service, longest first', async () => {
    const keys = ['new', 'old', 'oldest'].map((deviceId) => ({ user: 'ada', deviceId }));
    await Promise.all([...keys, { user: 'eve', deviceId: 'oldest' }].map((key) => devices.open(key)));
    await test.query(
      `update trunkline.devices set last_seen_at = now() - interval '2 days' where device_id like 'old%'`,
    );
    await test.query(
      `update trunkline.devices set last_seen_at = now() - interval '3 days' where device_id = 'oldest'`,
    );
    expect(await devices.findAway('ada')).toEqual([]);
    await serviceRan(test, 2);
    expect(await devices.findAway('ada')).toEqual([keys[2], keys[1]]);
    expect(await devices.giveWay({ user: 'ada', deviceId: 'oldest' })).toBe(true);
    expect(await devices.giveWay({ user: 'ada', deviceId: 'new' })).toBe(false);
    expect(await devices.findAway('ada')).toEqual([keys[1]]);
  });
});

describe('Groups', () => {
  it('makes a member behind the present end, and leaves a member where it joined first', async () => {
    await reach('group:a', 4);
    expect(await groups.join({ channel: 'group:a', user: 'ada' })).toBe(4);
    await reach('group:a', 9);
    expect(await groups.join({ channel: 'group:a', user: 'ada' })).toBe(4);
  });

  it('counts each change of a user’s memberships in the epoch of its inbox, and nothing else', async () => {
    const membership = { channel: 'group:a', user: 'ada' };
    expect(await groups.membershipsOf('ada')).toEqual({ channels: [], epoch: 0 });
    await groups.join(membership);
    await groups.join(membership);
    expect(await groups.membershipsOf('ada')).toEqual({ channels: ['group:a'], epoch: 1 });
    expect(await groups.leave(membership)).toBe(true);
    expect(await groups.leave(membership)).toBe(false);
    expect(await groups.membershipsOf('ada')).toEqual({ channels: [], epoch: 2 });
    expect(await groups.membershipsOf('eve')).toEqual({ channels: [], epoch: 0 });
  });

  it('takes a user who joins by itself into as many groups as it may, a member again, and one whom a back end adds', async () => {
    const capped = new Groups(database, 2);
    const join = (channel: string, isByUser = true): Promise<unknown> =>
      capped.join({ channel, user: 'ada' }, isByUser).catch((error: ProtocolError) => error.errorName);
    const names = ['group:a', 'group:b', 'group:c', 'group:d'];
    expect(await Promise.all(names.map((name) => join(name)))).toEqual([0, 0, 'LIMIT_REACHED', 'LIMIT_REACHED']);
    expect(await Promise.all(['group:a', 'group:e'].map((name) => join(name)))).toEqual([0, 'LIMIT_REACHED']);
    expect(await Promise.all([join('group:c', false), join('group:d')])).toEqual([0, 'LIMIT_REACHED']);
    await capped.leave({ channel: 'group:a', user: 'ada' });
    await capped.leave({ channel: 'group:b', user: 'ada' });
    expect(await join('group:d')).toBe(0);
  });

  it('gives all who join the same membership at once the same answer', async () => {
    const others = new Groups(database);
    const memberships = Array.from({ length: 50 }, () => ({ channel: 'group:a', user: 'ada' }));
    const joined = await Promise.all(memberships.map((membership, i) => (i % 2 ? groups : others).join(membership)));
    expect(new Set(joined)).toEqual(new Set([0]));
    expect(await groups.membershipsOf('ada')).toEqual({ channels: ['group:a'], epoch: 1 });
  });
});

/** Makes a channel look as if `lastSeq` messages had been published to it. */
async function reach(channel: string, lastSeq: number): Promise<void> {
  await test.query(
    `insert into trunkline.channels (channel, last_seq, last_at) values ($1, $2, now())
     on conflict (channel) do update set last_seq = excluded.last_seq`,
    [channel, lastSeq],
  );
}

async function positions(key: typeof phone): Promise<Record<string, number>> {
  const opened = await devices.open(key);
  const found = await devices.positions(key, opened?.channels ?? []);
  return Object.fromEntries(found.map(({ channel, seq }) => [channel, seq]));
}

async function acknowledge(key: typeof phone, channel: string, toSeq: number): Promise<void> {
  const cursors = new Cursors(database, 'here', 0);
  await cursors.save([
    {
      ...key,
      connectionId: 'c',
      channel,
      fromSeq: 1,
      toSeq,
      attempt: 1,
      ageMs: 0,
      outcome: 'acknowledged',
      error: null,
      isDurable: true,
      wantsReceipts: false,
    },
  ]);
}
