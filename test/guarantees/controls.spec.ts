import type { TestClient } from '../support/test-client.js';
import { twoInstances } from '../support/two-instances.js';
import { until } from '../support/until.js';
import { numbers, publish, statusOf } from './publish.js';

const { database, cluster, here, there } = await twoInstances();

/** Publishes one more, which everybody gets: what was to come before it has come. */
async function allAre(clients: readonly TestClient[], channel: string): Promise<void> {
  await publish(here, { channel, data: 'mark' });
  await until('the mark came', () => clients.every((client) => client.bodies(channel).includes('mark')));
}

const withoutMark = (client: TestClient, channel: string): unknown[] =>
  client.bodies(channel).filter((body) => body !== 'mark');

const gapsOf = (client: TestClient): unknown[] =>
  client.gaps.map(({ fromSeq, toSeq, reason }) => [fromSeq, toSeq, reason]);

describe('collapseKey', () => {
  it('gives a device that was away the newest of a key alone, and one that was there all of them', async () => {
    const online = await cluster.connect(there, { user: 'ann', deviceId: 'phone' });
    const away = await cluster.connect(here, { user: 'ann', deviceId: 'tablet' });
    away.close();
    const bodies = [
      ['score', 'one'],
      ['weather', 'rain'],
      ['score', 'two'],
      [undefined, 'plain'],
      ['score', 'three'],
    ] as const;
    for (const [collapseKey, data] of bodies) {
      await publish(here, { channel: 'user:ann', data, ...(collapseKey === undefined ? {} : { collapseKey }) });
    }
    const back = await cluster.connect(here, { user: 'ann', deviceId: 'tablet' });
    await until('the newest came', () => back.bodies('user:ann').includes('three'));
    expect(back.bodies('user:ann')).toEqual(['rain', 'plain', 'three']);
    expect(gapsOf(back)).toEqual([
      [1, 1, 'collapsed'],
      [3, 3, 'collapsed'],
    ]);
    await until('all came to the other', () => online.received.length === 5);
    expect(online.bodies('user:ann')).toEqual(bodies.map(([, data]) => data));
  });

  it('gives a device that is there all of a key, also when the other instance stores them faster than it tells', async () => {
    const online = await cluster.connect(there, { user: 'abe', deviceId: 'phone' });
    const requests = numbers(1, 50).map((data) => ({ channel: 'user:abe', type: 't', data, collapseKey: 'k' }));
    await here.rest('POST', '/v1/messages', { messages: requests });
    await until('all came', () => online.received.length + online.gaps.length >= 50);
    expect(online.bodies('user:abe')).toEqual(numbers(1, 50));
  });

  it('is each publisher’s own: neither a user, nor SQL, nor REST collapses what another published', async () => {
    const before = await cluster.connect(here, { user: 'lea', deviceId: 'phone' });
    before.close();
    const mallory = await cluster.connect(there, { user: 'mallory' });
    const request = { channel: 'user:lea', type: 't', collapseKey: 'k' };
    await publish(here, { ...request, data: 'rest, old' });
    await publish(here, { ...request, data: 'rest' });
    await database.query(`select trunkline.publish('user:lea', 't', '"sql, old"', '{"collapseKey": "k"}')`);
    const [last] = await database.query<{ id: string }>(
      `select trunkline.publish('user:lea', 't', '"sql"', '{"collapseKey": "k"}') as id`,
    );
    await until('they have their seqs', async () => (await statusOf(here, last?.id ?? '')).ok);
    for (const data of ['mallory, old', 'mallory']) await mallory.must('publish', { ...request, data });
    const back = await cluster.connect(there, { user: 'lea', deviceId: 'phone' });
    await until('the last came', () => back.bodies('user:lea').includes('mallory'));
    expect(back.bodies('user:lea')).toEqual(['rest', 'sql', 'mallory']);
  });

  it('leaves out of history what collapsed', async () => {
    for (const data of numbers(1, 3)) await publish(here, { channel: 'group:scores', data, collapseKey: 'k' });
    const { body } = await there.rest('GET', '/v1/channels/group%3Ascores/messages');
    expect(body).toMatchObject({ messages: [{ data: 3 }] });
  });

  it('gives the older one when the newer has expired', async () => {
    const before = await cluster.connect(here, { user: 'ben', deviceId: 'phone' });
    before.close();
    await publish(here, { channel: 'user:ben', data: 'lasting', collapseKey: 'k' });
    const { id } = await publish(here, { channel: 'user:ben', data: 'short', collapseKey: 'k', ttlMs: 1 });
    await until('expired', async () => (await statusOf(here, id)).isExpired);
    const back = await cluster.connect(there, { user: 'ben', deviceId: 'phone' });
    await until('it came', () => back.received.length === 1);
    expect(back.bodies('user:ben')).toEqual(['lasting']);
  });
});

describe('except', () => {
  it('self: no device of the publisher gets it, on whichever instance; everybody else does', async () => {
    const [phone, tablet, cid] = await Promise.all([
      cluster.connect(here, { user: 'dee', deviceId: 'phone' }),
      cluster.connect(there, { user: 'dee', deviceId: 'tablet' }),
      cluster.connect(there, { user: 'cid' }),
    ]);
    for (const member of [phone, cid]) await member.must('join', { channel: 'group:self' });
    await until('the tablet joined', () => tablet.memberships.length === 1);
    await phone.must('publish', { channel: 'group:self', type: 't', data: 'secret', exceptSelf: true });
    await allAre([phone, tablet, cid], 'group:self');
    expect([phone, tablet, cid].map((client) => withoutMark(client, 'group:self'))).toEqual([[], [], ['secret']]);
    expect([phone, tablet].map(gapsOf)).toEqual([[[1, 1, 'withheld']], [[1, 1, 'withheld']]]);
  });

  it('connection: the other devices of the publisher get it', async () => {
    const [phone, tablet] = await Promise.all([
      cluster.connect(here, { user: 'eve', deviceId: 'phone' }),
      cluster.connect(there, { user: 'eve', deviceId: 'tablet' }),
    ]);
    await phone.must('publish', { channel: 'user:eve', type: 't', data: 'typed here', exceptConnection: true });
    await allAre([phone, tablet], 'user:eve');
    expect([phone, tablet].map((client) => withoutMark(client, 'user:eve'))).toEqual([[], ['typed here']]);
  });

  it('device: it does not get its own message after a drop either; the other devices do', async () => {
    const phone = await cluster.connect(here, { user: 'lea', deviceId: 'phone', acknowledges: false });
    const tablet = await cluster.connect(there, { user: 'lea', deviceId: 'tablet' });
    await phone.must('publish', { channel: 'user:lea', type: 't', data: 'typed here', exceptDevice: true });
    phone.close();
    const back = await cluster.connect(there, { user: 'lea', deviceId: 'phone' });
    await allAre([back, tablet], 'user:lea');
    expect([phone.raw.length, ...[back, tablet].map((client) => withoutMark(client, 'user:lea'))]).toEqual([
      0,
      [],
      ['typed here'],
    ]);
  });

  it('device: a back end leaves out one device of a user, also when it is scheduled', async () => {
    const devices = await Promise.all(
      ['phone', 'tablet'].map((deviceId) => cluster.connect(there, { user: 'max', deviceId })),
    );
    const exceptDevice = { user: 'max', deviceId: 'phone' };
    await publish(here, { channel: 'user:max', data: 'now', exceptDevice });
    const sendAt = new Date().toISOString();
    const scheduled = { channel: 'user:max', type: 't', data: 'then', exceptDevice, sendAt };
    expect(await here.rest('POST', '/v1/messages/scheduled', scheduled)).toMatchObject({ body: { ok: true } });
    const [phone, tablet] = devices;
    await until('the other got both', () => tablet?.received.length === 2);
    await allAre(devices, 'user:max');
    expect(devices.map((client) => withoutMark(client, 'user:max'))).toEqual([[], ['now', 'then']]);
    expect(phone?.raw).toHaveLength(1);
  });

  it.each([{ exceptDevice: true }, { exceptConnection: true }])(
    'with first-device leaves the message to another device of the publisher: %j',
    async (except) => {
      const user = Object.keys(except).join().toLowerCase();
      const phone = await cluster.connect(here, { user, deviceId: 'phone' });
      const tablet = await cluster.connect(there, { user, deviceId: 'tablet' });
      tablet.close();
      await phone.must('publish', {
        channel: `user:${user}`,
        type: 't',
        data: 'ring',
        deliverTo: 'first-device',
        ...except,
      });
      await until('the phone has passed it by', () => phone.gaps.length === 1);
      const back = await cluster.connect(there, { user, deviceId: 'tablet' });
      await until('the tablet has it', () => back.bodies(`user:${user}`).includes('ring'));
      expect(gapsOf(phone)).toEqual([[1, 1, 'withheld']]);
    },
  );

  it('user: a back end leaves one out, online or away', async () => {
    const [fay, gus, hal] = await Promise.all(
      ['fay', 'gus', 'hal'].map((user) => cluster.connect(there, { user, deviceId: 'phone' })),
    );
    for (const member of [fay, gus, hal]) await member?.must('join', { channel: 'group:party' });
    hal?.close();
    for (const exceptUser of ['fay', 'hal']) {
      await publish(here, { channel: 'group:party', data: `not for ${exceptUser}`, exceptUser });
    }
    const back = await cluster.connect(here, { user: 'hal', deviceId: 'phone' });
    await allAre([fay!, gus!, back], 'group:party');
    expect([fay!, gus!, back].map((client) => withoutMark(client, 'group:party'))).toEqual([
      ['not for hal'],
      ['not for fay', 'not for hal'],
      ['not for fay'],
    ]);
  });
});

describe('deliverTo first-device', () => {
  it('gives each message to exactly one of two devices on two instances, and the other a gap', async () => {
    const devices = await Promise.all([
      cluster.connect(here, { user: 'ida', deviceId: 'phone' }),
      cluster.connect(there, { user: 'ida', deviceId: 'tablet' }),
    ]);
    const rings = numbers(1, 20);
    await Promise.all(
      rings.map((data) => publish(data % 2 ? here : there, { channel: 'user:ida', data, deliverTo: 'first-device' })),
    );
    await allAre(devices, 'user:ida');
    const got = devices.map((device) => withoutMark(device, 'user:ida') as number[]);
    expect(got.flat().toSorted((a, b) => a - b)).toEqual(rings);
    const missed = devices.map(({ gaps }) => gaps.reduce((sum, { fromSeq, toSeq }) => sum + toSeq - fromSeq + 1, 0));
    expect(missed).toEqual(got.map(({ length }) => rings.length - length));
    expect(new Set(devices.flatMap(({ gaps }) => gaps.map(({ reason }) => reason)))).toEqual(new Set(['taken']));
  });

  it('keeps it from a device that comes later, and lists only the one that took it', async () => {
    const phone = await cluster.connect(here, { user: 'joe', deviceId: 'phone' });
    const tablet = await cluster.connect(there, { user: 'joe', deviceId: 'tablet' });
    tablet.close();
    const { id } = await publish(there, { channel: 'user:joe', data: 'ring', deliverTo: 'first-device' });
    await until('the phone has it', () => phone.bodies('user:joe').length === 1);
    const back = await cluster.connect(there, { user: 'joe', deviceId: 'tablet' });
    await allAre([phone, back], 'user:joe');
    expect(withoutMark(back, 'user:joe')).toEqual([]);
    expect(gapsOf(back)).toEqual([[1, 1, 'taken']]);
    expect((await statusOf(here, id)).recipients).toMatchObject([{ user: 'joe', deviceId: 'phone' }]);
  });

  it('gives it again to the device that took it when its connection breaks before the acknowledgement', async () => {
    const phone = await cluster.connect(here, { user: 'kim', deviceId: 'phone', acknowledges: false });
    const tablet = await cluster.connect(there, { user: 'kim', deviceId: 'tablet', acknowledges: false });
    await publish(here, { channel: 'user:kim', data: 'ring', deliverTo: 'first-device' });
    const taker = await until('one has it', () => [phone, tablet].find(({ raw }) => raw.length === 1));
    taker.close();
    const back = await cluster.connect(here, { user: 'kim', deviceId: taker.ready?.deviceId ?? '' });
    await until('it came again', () => back.received.length === 1);
    expect(phone.raw.length + tablet.raw.length).toBe(1);
  });
});
