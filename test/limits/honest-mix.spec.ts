import { setTimeout as delay } from 'node:timers/promises';
import type { WireError } from '#protocol';
import { Cluster } from '../support/cluster.js';
import { seeded, type Seeded } from '../support/seeded.js';
import type { TestClient } from '../support/test-client.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';

/* Users who stay below their limits are never refused, whatever the others do below theirs. */

const RUNS = 3;
const RUN_MS = 3_000;
const TICK_MS = 10;
/** The rates of all users together, well below what a busy machine with two cores can store. */
const PUBLISHES_PER_S = 150;
const BYTES_PER_S = 2_000_000;
/**
 * The limits of each user: a person who types much, an application that types for one, and a burst as when one pastes a
 * list.
 */
const USER_PUBLISHES_PER_S = 15;
const BURST_MAX = 50;
const BODY_MAX = 60_000;
const BURST_BYTES_MAX = 1_000_000;

/** The behaviour of one honest user in a run. */
interface Habit {
  readonly user: string;
  readonly sockets: number;
  readonly perS: number;
  /** The number of messages that the user sends at once, before it waits until that many more are due. */
  readonly burst: number;
  readonly bodyBytes: number;
  /** If true, the user makes requests of other kinds between the publishes. */
  readonly looksAround: boolean;
}

let database: TestDatabase;
let cluster: Cluster;
let server: Awaited<ReturnType<Cluster['start']>>;

beforeAll(async () => {
  database = await createTestDatabase();
  cluster = new Cluster(database.url);
  server = await cluster.start();
});
afterEach(() => cluster.closeClients());
afterAll(async () => {
  await cluster.end();
  await database.drop();
});

const first = seeded().seed;

it.each(Array.from({ length: RUNS }, (_, n) => first + n))(
  'no honest user is refused while all together stay below what the instance can take (TEST_SEED=%i)',
  async (seed) => {
    const habits = makeHabits(seeded(seed));
    const refusals = await Promise.all(habits.map((habit) => live(habit, seeded(seed + habit.perS))));
    const named = refusals.flatMap((errors, index) => errors.map((error) => ({ habit: habits[index], error })));
    expect(named).toEqual([]);
  },
);

/** Makes users until the sum of the rates is used up. */
function makeHabits(random: Seeded): Habit[] {
  const habits: Habit[] = [];
  let [publishes, bytes] = [PUBLISHES_PER_S, BYTES_PER_S];
  while (publishes > 0 && bytes > 0) {
    const perS = 1 + random.below(Math.min(USER_PUBLISHES_PER_S, publishes));
    const bodyBytes = 10 + random.below(Math.min(BODY_MAX, Math.ceil(bytes / perS)));
    const user = `honest-${random.seed}-${habits.length}`;
    const [sockets, burst] = [1 + random.below(3), 1 + random.below(Math.min(BURST_MAX, BURST_BYTES_MAX / bodyBytes))];
    habits.push({ user, sockets, perS, burst, bodyBytes, looksAround: random.chance(0.5) });
    publishes -= perS;
    bytes -= perS * bodyBytes;
  }
  return habits;
}

/**
 * Behaves as one honest user for a run.
 * @returns what was refused
 */
async function live(habit: Habit, random: Seeded): Promise<WireError[]> {
  const { user, sockets, perS, burst } = habit;
  const clients = await Promise.all(
    Array.from({ length: sockets }, (_, n) => cluster.connect(server, { user, deviceId: `d-${n}` })),
  );
  const asked: Promise<WireError | undefined>[] = [];
  const startedAt = performance.now();
  const earned = random.below(burst);
  for (let sent = 0, now = 0; now < RUN_MS; now = performance.now() - startedAt) {
    const due = earned + (now * perS) / 1_000;
    if (due - sent >= burst) for (let n = 0; n < burst; n++, sent++) asked.push(...act(random.pick(clients), habit));
    await delay(TICK_MS);
  }
  const errors = (await Promise.all(asked)).filter((error) => error !== undefined);
  const closings = clients.flatMap(({ closing }) => closing ?? []);
  return [...errors, ...closings];
}

function act(client: TestClient, { user, bodyBytes, looksAround }: Habit): Promise<WireError | undefined>[] {
  const channel = `user:${user}`;
  const data = 'x'.repeat(bodyBytes - 2);
  const publish = client.ask('publish', { channel, type: 'note', data });
  const around = looksAround ? [client.ask('history', { channel, limit: 1 }), client.ask('presence', { channel })] : [];
  return [publish, ...around].map(async (answer) => errorOf(await answer));
}

function errorOf(answer: { ok: true } | { ok: false; error: WireError }): WireError | undefined {
  return answer.ok ? undefined : answer.error;
}
