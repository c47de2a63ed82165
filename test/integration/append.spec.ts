import { setImmediate as turn } from 'node:timers/promises';
import type { Appended, NewMessage } from '#message-persistence';
import { draft, openLog, type OpenLog } from '../support/open-log.js';
import { seeded } from '../support/seeded.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';

const INSTANCES = 3;
const MESSAGES = 700;
const CHANNELS = Array.from({ length: 9 }, (_, i) => `group:${i}`);
const random = seeded();

interface Sent {
  readonly message: NewMessage;
  readonly outcome: PromiseSettledResult<Appended>;
}

interface StoredRow extends Record<string, unknown> {
  channel: string;
  seq: number;
  id: string;
  body: string;
  created_at: Date;
}

let test: TestDatabase;
let instances: OpenLog[];
let sent: Sent[][];
let stored: StoredRow[];

beforeAll(async () => {
  test = await createTestDatabase();
  instances = Array.from({ length: INSTANCES }, () => openLog(test.url));
  sent = await Promise.all(instances.map((instance, index) => publishAll(instance, String(index))));
  stored = await test.query<StoredRow>(
    'select channel, seq::int, id, body, created_at from trunkline.messages order by channel, seq',
  );
});
afterAll(async () => {
  await Promise.all(instances.map(({ database }) => database.close()));
  await test.drop();
});

describe(`three instances that append to the same channels at once (seed ${random.seed})`, () => {
  it('number each channel from 1 without a gap, and the channel knows its end', async () => {
    const ends = await test.query('select channel, last_seq::int from trunkline.channels order by channel');
    expect(ends.map(({ channel }) => channel)).toEqual(CHANNELS);
    for (const { channel, last_seq } of ends) {
      const seqs = stored.filter((row) => row.channel === channel).map(({ seq }) => seq);
      expect(seqs).toEqual(Array.from({ length: Number(last_seq) }, (_, i) => i + 1));
    }
  });

  it('never let time go back along a channel', () => {
    for (const channel of CHANNELS) {
      const times = stored.filter((row) => row.channel === channel).map(({ created_at }) => created_at.getTime());
      expect(times).toEqual([...times].sort((a, b) => a - b));
    }
  });

  it('answer every publish with the row that holds it', () => {
    const bySeq = new Map(stored.map((row) => [`${row.channel} ${row.seq}`, row]));
    const answered = sent.flat().filter(({ outcome }) => outcome.status === 'fulfilled');
    for (const { message, outcome } of answered) {
      if (outcome.status === 'rejected') continue;
      const { id, seq, createdAt, isRepeated } = outcome.value;
      const row = bySeq.get(`${message.channel} ${seq}`);
      expect(row).toMatchObject({ id, body: message.body, created_at: createdAt });
      if (!isRepeated) expect(id).toBe(message.id);
    }
    const fresh = answered.filter(({ outcome }) => outcome.status === 'fulfilled' && !outcome.value.isRepeated);
    expect(fresh).toHaveLength(stored.length);
    expect(answered.length).toBeGreaterThan(fresh.length); // or no publish id was used twice
  });

  it('keep the order in which one instance published to a channel without waiting', () => {
    for (const ofInstance of sent) {
      for (const channel of CHANNELS) {
        const seqs = ofInstance.flatMap(({ message, outcome }) =>
          message.channel === channel && outcome.status === 'fulfilled' && !outcome.value.isRepeated
            ? [outcome.value.seq]
            : [],
        );
        expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
      }
    }
  });

  it('store one row for each publish id, whoever came first', async () => {
    const rows = await test.query('select publish_id, count(*)::int from trunkline.publish_ids group by 1');
    const used = new Set(sent.flat().flatMap(({ message }) => message.publishId ?? []));
    expect(rows).toHaveLength(used.size);
    expect(rows.filter(({ count }) => count !== 1)).toEqual([]);
  });

  it('refuse what PostgreSQL refuses and nothing beside it', () => {
    const refused = sent.flat().filter(({ outcome }) => outcome.status === 'rejected');
    expect(refused.every(({ message }) => message.id === 'poison')).toBe(true);
    expect(refused).toHaveLength(sent.flat().filter(({ message }) => message.id === 'poison').length);
    expect(refused.length).toBeGreaterThan(0);
  });

  it('never wait for each other in a circle', async () => {
    await Promise.all(instances.map(({ database }) => database.close()));
    const rows = await test.query('select deadlocks::int from pg_stat_database where datname = current_database()');
    expect(rows).toEqual([{ deadlocks: 0 }]);
  });
});

/** Sends without waiting for answers, in bursts of random length. */
async function publishAll({ log }: OpenLog, name: string): Promise<Sent[]> {
  const pending: Promise<Sent>[] = [];
  for (let i = 0; i < MESSAGES; i++) {
    const message = choose(`${name}-${i}`);
    pending.push(Promise.allSettled([log.append(message)]).then(([outcome]) => ({ message, outcome })));
    if (random.chance(0.1)) await turn();
    if (random.chance(0.01)) await pending.at(-1);
  }
  return Promise.all(pending);
}

function choose(name: string): NewMessage {
  if (random.chance(0.005)) return draft(random.pick(CHANNELS), { id: 'poison' });
  if (!random.chance(0.2)) return draft(random.pick(CHANNELS), { body: JSON.stringify(name) });
  // An id from a small common stock: its first use and its repeats, within a batch and across instances.
  const number = random.below(200);
  const channel = CHANNELS[number % CHANNELS.length] ?? '';
  return draft(channel, { publishId: `id-${number}`, body: JSON.stringify(number) });
}
