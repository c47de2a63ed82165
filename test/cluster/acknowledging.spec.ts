import { setInterval as every } from 'node:timers/promises';
import { Client } from 'pg';
import type { Ack, EventPayload } from '#protocol';
import type { TestClient } from '../support/test-client.js';
import { twoInstances } from '../support/two-instances.js';
import { until } from '../support/until.js';

const ACK_TIMEOUT_MS = 2_000;

const { database, cluster, here, there } = await twoInstances({
  ACK_TIMEOUT_MS: String(ACK_TIMEOUT_MS),
  MAX_ATTEMPTS: '4',
});

async function publish(channel: string, ...bodies: unknown[]): Promise<void> {
  for (const data of bodies) {
    const { body } = await there.rest('POST', '/v1/messages', { channel, type: 'note', data });
    expect(body).toMatchObject({ ok: true });
  }
}

async function cursor(user: string, channel: string): Promise<number> {
  const [row] = await database.query<{ seq: number }>(
    'select delivered_seq::int as seq from trunkline.cursors where user_id = $1 and channel = $2',
    [user, channel],
  );
  return row?.seq ?? 0;
}

const seat = (group: string, user: string): string => `/v1/channels/${encodeURIComponent(group)}/members/${user}`;

describe('a client that sends the ack of its last packet three times a second', () => {
  it('gets an inbox message beside a busy group once, stays connected, and has it acknowledged in the end', async () => {
    await here.rest('PUT', seat('group:busy', 'ann'));
    const ann = await cluster.connect(here, { user: 'ann', acknowledges: false });
    let last: Ack | undefined;
    ann.socket.on('messages', ({ ack }: EventPayload<'messages'>) => (last = ack));
    await publish('user:ann', 'for you');
    await until('it came', () => ann.bodies('user:ann').length === 1);
    await publish('group:busy', 'right behind it');
    await until('that came', () => ann.bodies('group:busy').length === 1);
    const timer = setInterval(() => last && ann.socket.emit('ack', last), 333);
    try {
      const endsAt = performance.now() + 3 * ACK_TIMEOUT_MS;
      for await (const _ of every(30)) {
        await publish('group:busy', 'more');
        if (performance.now() > endsAt) break;
      }
      expect(ann.raw.filter(({ channel }) => channel === 'user:ann')).toHaveLength(1);
      expect(ann.closing).toBeUndefined();
      // In the quiet behind it, it is the last packet.
      await until('it is acknowledged', async () => (await cursor('ann', 'user:ann')) === 1);
      expect(ann.disconnectReason).toBeUndefined();
    } finally {
      clearInterval(timer);
    }
  });
});

describe('an ack that also names a group which was left meanwhile', () => {
  it('counts for the other channels', async () => {
    await here.rest('PUT', seat('group:gone', 'ben'));
    const ben = await cluster.connect(here, { user: 'ben', acknowledges: false });
    await publish('group:gone', 'a');
    await publish('user:ben', 'b');
    await until('both came', () => ben.received.length === 2);
    await there.rest('DELETE', seat('group:gone', 'ben'));
    await until('ben knows', () => ben.memberships.length === 1);
    await ben.must('ack', { 'group:gone': 1, 'user:ben': 1 });
    expect(await cursor('ben', 'user:ben')).toBe(1);
    expect(await ben.ask('ack', { 'group:gone': 2, 'user:ben': 1 })).toMatchObject({ error: { code: 1009 } });
  });

  it('counts for the others while the group is joined again', async () => {
    const cid = await cluster.connect(here, { user: 'cid', acknowledges: false });
    await cid.must('join', { channel: 'group:again' });
    await publish('group:again', 'a');
    await publish('user:cid', 'b');
    await until('both came', () => cid.received.length === 2);
    const answers = await Promise.all([
      cid.ask('leave', { channel: 'group:again' }),
      cid.ask('join', { channel: 'group:again' }),
      cid.ask('ack', { 'group:again': 1, 'user:cid': 1 }),
    ]);
    expect(answers).toMatchObject([{ ok: true }, { ok: true, seq: 1 }, { ok: true }]);
    await publish('group:again', 'c');
    await until('the next came', () => cid.bodies('group:again').includes('c'));
  });
});

it('an ack passes while 1,000 publishes wait, and who is refused is told when to come back', async () => {
  const dan = await cluster.connect(here, { user: 'dan', acknowledges: false });
  await publish('user:dan', 'a');
  await until('it came', () => dan.received.length === 1);
  const holder = new Client({ connectionString: database.url });
  await holder.connect();
  await holder.query('begin; lock table trunkline.channels in access exclusive mode');
  const refused: unknown[] = [];
  try {
    for (let at = 0; at < 1_200; at++) {
      dan.socket.emit('publish', { channel: 'user:dan', type: 'note', data: at }, (answer: unknown) =>
        refused.push(answer),
      );
    }
    const ack = dan.ask('ack', { 'user:dan': 1 });
    await until('some are refused', () => refused.length > 0);
    expect(refused).toContainEqual({
      ok: false,
      error: expect.objectContaining({ code: 4010, retryable: true, retryAfterMs: expect.any(Number) }) as unknown,
    });
    expect(await ack).toEqual({ ok: true });
  } finally {
    await holder.end();
  }
});

describe('of two connections of one device', () => {
  it.each([
    ['the same instance', () => here],
    ['another instance', () => there],
  ])('the one that sleeps is not sent again what the other acknowledged on %s', async (name, otherServer) => {
    const user = name.replaceAll(' ', '-');
    const sleeping = await cluster.connect(here, { user, deviceId: 'laptop', acknowledges: false });
    const awake = await cluster.connect(otherServer(), { user, deviceId: 'laptop' });
    await publish(`user:${user}`, 1, 2, 3);
    await until('all came to both', () => [sleeping, awake].every(({ received }) => received.length === 3));
    const timeouts = (): Promise<unknown[]> =>
      database.query("select 1 from trunkline.attempts where user_id = $1 and outcome = 'timeout'", [user]);
    await until('the attempt has failed', async () => (await timeouts()).length > 0);
    // It goes on with what is new, which comes behind what would have been repeated.
    await publish(`user:${user}`, 4);
    await until('the next came', () => sleeping.received.length === 4);
    expect(seqs(sleeping)).toEqual([1, 2, 3, 4]);
  });
});

function seqs({ raw }: TestClient): number[] {
  return raw.map(({ seq }) => seq);
}
