import fc from 'fast-check';
import { Database, statement } from '#database';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/test-database.js';
import type { PlaceAsk } from './place-share.js';
import { Reach } from './reach.js';
import { SharedPlaces } from './shared-places.js';

const LEASE = statement<{ share: number | null }>(
  'lease_place',
  'work',
  'select trunkline.lease_place($1, $2, $3, $4, $5, $6, $7) as share',
);
const SETTLE_MS = 10_000;
const INSTANCES = 3;

let test: TestDatabase;
let database: Database;

beforeAll(async () => {
  test = await createTestDatabase();
  database = new Database({ url: test.url, poolSize: 1, applicationName: 'places', onError: () => undefined });
  for (let n = 0; n < INSTANCES; n++) await register(n);
});
afterAll(async () => {
  await database.close();
  await test.drop();
});

async function register(instance: number): Promise<void> {
  await test.query(
    `insert into trunkline.instances (instance_id, lease_expires_at, incarnation)
     values ($1, now() + interval '1 hour', gen_random_uuid()) on conflict do nothing`,
    [`i${instance}`],
  );
}

let runs = 0;

/** Several instances that share the places of one key, with the real function in the database. */
class PlaceModel {
  nowMs = 1e6;
  isCut = false;
  statements = 0;
  readonly used = new Array<number>(INSTANCES).fill(0);
  refused = 0;
  private readonly key = `key ${++runs}`;
  private readonly places: SharedPlaces[];
  private asked: Promise<unknown>[] = [];

  constructor(
    private readonly limit: number,
    private readonly keepMs: number,
  ) {
    this.places = this.used.map((_, n) => this.instance(n));
  }

  get sum(): number {
    return this.used.reduce((all, one) => all + one, 0);
  }

  enter(instance: number): void {
    const entered = this.of(instance).enter(this.key);
    const note = (waitMs: number): void => {
      if (waitMs > 0) this.refused += 1;
      else this.used[instance] = (this.used[instance] ?? 0) + 1;
    };
    if (typeof entered === 'number') note(entered);
    else void entered.then(note);
  }

  leave(instance: number): void {
    if (!this.used[instance]) return;
    this.used[instance] -= 1;
    this.of(instance).leave(this.key);
  }

  rebuild(): void {
    for (const places of this.places) places.rebuild();
  }

  forget(instance: number): void {
    this.used[instance] = 0;
    this.places[instance] = this.instance(instance);
  }

  /** Waits for every statement under way, then moves the clock on. */
  async pass(ms: number): Promise<void> {
    do {
      await Promise.allSettled(this.asked.splice(0));
      await new Promise((resolve) => setImmediate(resolve));
    } while (this.asked.length > 0);
    this.nowMs += ms;
    for (const places of this.places) places.tidy();
  }

  private of(instance: number): SharedPlaces {
    const places = this.places[instance];
    if (!places) throw new Error(`no instance ${instance}`);
    return places;
  }

  private instance(n: number): SharedPlaces {
    return new SharedPlaces({
      name: 'places',
      limit: this.limit,
      instances: () => INSTANCES,
      keepMs: this.keepMs,
      settleMs: SETTLE_MS,
      reach: new Reach(),
      now: () => this.nowMs,
      random: () => 0,
      onError: () => undefined,
      lease: (ask) => this.lease(`i${n}`, ask),
    });
  }

  private async lease(id: string, ask: () => PlaceAsk): Promise<number | null> {
    this.statements += 1;
    if (this.isCut) throw new Error('cut');
    const asked = Promise.resolve().then(() => {
      const { key, most, used, needed, spare } = ask();
      return database.rows(LEASE, [id, key, most, used, needed, spare, INSTANCES]);
    });
    this.asked.push(asked);
    const [row] = await asked;
    return row?.share ?? null;
  }
}

const moves = fc.array(
  fc.record({
    instance: fc.nat(INSTANCES - 1),
    come: fc.nat(8),
    go: fc.nat(6),
    passMs: fc.constantFrom(0, 0, 100, 1_000, 6_000),
  }),
  { minLength: 1, maxLength: 40 },
);
const few = { numRuns: 40 };

describe('SharedPlaces', () => {
  it('never gives out more places than there are, and lets everybody in while there are enough', async () => {
    const cases = fc.record({ moves, limit: fc.integer({ min: 1, max: 40 }), keepMs: fc.constantFrom(0, 5_000) });
    await fc.assert(
      fc.asyncProperty(cases, async ({ moves, limit, keepMs }) => {
        const model = new PlaceModel(limit, keepMs);
        for (const { instance, come, go, passMs } of moves) {
          for (let n = 0; n < come; n++) model.enter(instance);
          await model.pass(passMs);
          expect(model.sum).toBeLessThanOrEqual(limit);
          for (let n = 0; n < go; n++) model.leave(instance);
          await model.pass(0);
        }
        // Callers who try again get in while there is room, whichever instance had the places before.
        for (let instance = 0; instance < INSTANCES; instance++) while (model.used[instance]) model.leave(instance);
        for (let tries = 0; tries < 20 && model.sum < limit; tries++) {
          await model.pass(1_000);
          for (let n = model.used[0] ?? 0; n < limit; n++) model.enter(0);
        }
        await model.pass(0);
        expect(model.sum).toBe(limit);
      }),
      few,
    );
  }, 120_000);

  it('fills every place within seconds when more come to all instances at once than there are', async () => {
    const model = new PlaceModel(500, 5_000);
    const waiting = [334, 333, 333];
    for (let second = 0; second < 20 && model.sum < 500; second++) {
      waiting.forEach((count, instance) => {
        for (let n = model.used[instance] ?? 0; n < count; n++) model.enter(instance);
      });
      await model.pass(1_000);
      expect(model.sum).toBeLessThanOrEqual(500);
    }
    expect(model.sum).toBe(500);
    expect(model.statements).toBeLessThan(60);
  });

  it('counts what a dead instance held no longer than it is registered', async () => {
    const model = new PlaceModel(10, 5_000);
    for (let n = 0; n < 10; n++) model.enter(0);
    await model.pass(1_000);
    model.enter(1);
    await model.pass(1_000);
    expect(model.used).toEqual([10, 0, 0]);
    await test.query(`delete from trunkline.instances where instance_id = 'i0'`);
    model.forget(0);
    model.enter(1);
    await model.pass(1_000);
    model.enter(1);
    await model.pass(1_000);
    expect(model.used[1]).toBeGreaterThanOrEqual(1);
    await register(0);
  });

  it('holds nobody to more than before when PostgreSQL has lost the table, also while some have not written theirs again', async () => {
    const model = new PlaceModel(30, 5_000);
    for (const instance of [0, 1, 2]) for (let n = 0; n < 9; n++) model.enter(instance);
    await model.pass(6_000);
    await test.query('truncate trunkline.limit_shares');
    for (let n = 0; n < 30; n++) model.enter(0);
    await model.pass(600);
    for (let n = 0; n < 30; n++) model.enter(0);
    await model.pass(1_000);
    expect(model.sum).toBeLessThanOrEqual(30);
    model.rebuild();
    for (let second = 0; second < 20; second++) {
      for (let n = 0; n < 30; n++) model.enter(1);
      await model.pass(1_000);
      expect(model.sum).toBeLessThanOrEqual(30);
    }
    expect(model.sum).toBe(30);
  });

  it('goes on with its part of the limit while the database is out of reach, and takes no more until it is below again', async () => {
    const model = new PlaceModel(30, 5_000);
    model.isCut = true;
    for (let second = 0; second < 3; second++) {
      for (const instance of [0, 1, 2]) for (let n = 0; n < 15; n++) model.enter(instance);
      await model.pass(1_000);
    }
    expect(model.used).toEqual([10, 10, 10]);
    model.isCut = false;
    for (let second = 0; second < 8; second++) await model.pass(1_000);
    model.enter(0);
    await model.pass(1_000);
    expect(model.sum).toBe(30);
    for (let n = 0; n < 4; n++) model.leave(1);
    for (let second = 0; second < 15; second++) {
      for (let n = 0; n < 4; n++) model.enter(0);
      await model.pass(1_000);
    }
    expect(model.used).toEqual([14, 6, 10]);
  });
});
