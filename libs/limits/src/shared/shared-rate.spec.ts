import fc from 'fast-check';
import { Database, statement } from '#database';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/test-database.js';
import { SLACK_MS, type RateAsk } from './shared-rate-options.js';
import { Reach } from './reach.js';
import { SharedRate } from './shared-rate.js';

const LIMIT = 100;
const STEP_MS = 10;
/** Leases with a clock of the test, and under the lock of the key, as trunkline.lease_rates does by its own clock. */
const LEASE = statement<{ share: number }>(
  'lease_rate',
  `with locked as materialized (select trunkline.lock_limits(array[$2::text]))
   select trunkline.lease_rate($1, $2, $3, $4, $5, $6, $7, $8, to_timestamp($9::float8 / 1000)) as share from locked`,
);

let test: TestDatabase;
let database: Database;

beforeAll(async () => {
  test = await createTestDatabase();
  database = new Database({ url: test.url, poolSize: 4, applicationName: 'shares', onError: () => undefined });
});
afterAll(async () => {
  await database.close();
  await test.drop();
});

let runs = 0;

/** Several instances and one user, with the real function in the database, and a clock that the test moves. */
class RateModel {
  nowMs = 1e12;
  readonly accepted: number[] = [];
  readonly refused: { atMs: number; instance: number }[] = [];
  statements = 0;
  checks = 0;
  isCut = false;
  private readonly user = `user ${++runs}`;
  private readonly rates: SharedRate[];
  private asked: Promise<unknown>[] = [];
  private answers: { atMs: number; give: () => void }[] = [];

  constructor(
    instances: number,
    private readonly latencyMs = 0,
    private readonly known = instances,
  ) {
    this.rates = Array.from({ length: instances }, (_, n) => this.instance(`i${n}`));
  }

  /** Asks each instance as often as `takes` says, then moves the clock on by a step. */
  async step(takes: readonly number[]): Promise<void> {
    takes.forEach((times, instance) => {
      for (let n = 0; n < times; n++) this.take(instance);
    });
    await this.deliver();
    this.nowMs += STEP_MS;
    await this.deliver();
  }

  /** The most requests that were accepted in any window. */
  get most(): number {
    const times = this.accepted.sort((a, b) => a - b);
    let first = 0;
    return Math.max(
      ...times.map((atMs, last) => {
        while ((times[first] ?? 0) <= atMs - 1_000) first += 1;
        return last - first + 1;
      }),
    );
  }

  private take(instance: number): void {
    this.checks += 1;
    const note = (waitMs: number): void => {
      if (waitMs === 0) this.accepted.push(this.nowMs);
      else this.refused.push({ atMs: this.nowMs, instance });
    };
    const taken = this.rates[instance]?.take(this.user) ?? 0;
    if (typeof taken === 'number') note(taken);
    else void taken.then(note);
  }

  private async deliver(): Promise<void> {
    while (this.asked.length > 0) await Promise.allSettled(this.asked.splice(0));
    const isDue = ({ atMs }: { atMs: number }): boolean => atMs <= this.nowMs;
    for (const { give } of this.answers.filter(isDue)) give();
    this.answers = this.answers.filter((answer) => !isDue(answer));
    await new Promise((resolve) => setImmediate(resolve));
    if (this.asked.length > 0) await this.deliver();
  }

  private instance(id: string): SharedRate {
    return new SharedRate({
      name: 'publishes',
      limit: LIMIT,
      windowMs: 1_000,
      instances: () => this.known,
      reach: new Reach(),
      now: () => this.nowMs,
      onError: () => undefined,
      lease: (ask) => this.lease(id, ask),
    });
  }

  private async lease(id: string, ask: () => RateAsk): Promise<number> {
    this.statements += 1;
    if (this.isCut) throw new Error('cut');
    // The statement starts when every caller has asked, as that of a batch does.
    const asked = Promise.resolve().then(() => {
      const { key, most, windowMs, needed, wanted, holdMs } = ask();
      return database.rows('work', LEASE, [id, key, most, windowMs, needed, wanted, holdMs, SLACK_MS, this.nowMs]);
    });
    this.asked.push(asked);
    const [row] = await asked;
    const granted = row?.share ?? 0;
    if (this.latencyMs === 0) return granted;
    return new Promise((resolve) =>
      this.answers.push({ atMs: this.nowMs + this.latencyMs, give: () => resolve(granted) }),
    );
  }
}

/** Phases of half a second to three, each with how often every instance is asked per step. */
const phases = (instances: number, most: number) =>
  fc.array(
    fc.record({
      steps: fc.integer({ min: 50, max: 300 }),
      chances: fc.array(fc.double({ min: 0, max: most, noNaN: true }), { minLength: instances, maxLength: instances }),
    }),
    { minLength: 1, maxLength: 5 },
  );

/** Returns how many requests fall into a step if they are evenly spaced, with `perStep` on average. */
function evenly(perStep: number, step: number): number {
  return Math.floor(perStep * (step + 1)) - Math.floor(perStep * step);
}

const few = { numRuns: 20 };

describe('SharedRate', () => {
  it('accepts at most 105 % of the limit in any window, wherever the user publishes how fast, and however slow the database is', async () => {
    const cases = fc.record({ phases: phases(3, 3), latencyMs: fc.constantFrom(0, 20, 200) });
    await fc.assert(
      fc.asyncProperty(cases, async ({ phases, latencyMs }) => {
        const model = new RateModel(3, latencyMs);
        for (const { steps, chances } of phases)
          for (let step = 0; step < steps; step++) await model.step(chances.map((perStep) => evenly(perStep, step)));
        expect(model.most).toBeLessThanOrEqual(LIMIT * 1.05);
      }),
      few,
    );
  }, 120_000);

  it('refuses nobody whose sum is below the limit, once each share has been leased anew', async () => {
    const shares = fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 3, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(shares, async (weights) => {
        const sum = Math.max(1, weights[0] ?? 0) + (weights[1] ?? 0) + (weights[2] ?? 0);
        const perStep = weights.map((weight) => ((weight / sum) * LIMIT * 0.85 * STEP_MS) / 1_000);
        const model = new RateModel(3, 20);
        for (let step = 0; step < 4_000; step++) await model.step(perStep.map((each) => evenly(each, step)));
        const known = model.nowMs - 8_000;
        expect(model.refused.filter(({ atMs }) => atMs > known)).toEqual([]);
      }),
      few,
    );
  }, 120_000);

  it('refuses nobody on one instance before its limit, in bursts of whatever size', async () => {
    const bursts = fc.array(
      fc.record({ size: fc.integer({ min: 1, max: LIMIT }), pause: fc.integer({ min: 115, max: 400 }) }),
      { minLength: 1, maxLength: 8 },
    );
    await fc.assert(
      fc.asyncProperty(bursts, async (all) => {
        const model = new RateModel(3, 20);
        for (const { size, pause } of all) {
          await model.step([size, 0, 0]);
          for (let step = 1; step < pause; step++) await model.step([]);
        }
        expect(model.refused).toEqual([]);
      }),
      few,
    );
  }, 120_000);

  it('refuses nobody who keeps below a third of its limit, wherever it turns up next', async () => {
    // Each instance gets at most an equal part of that third in any window.
    const most = Math.floor(LIMIT / 3 / 3);
    const visits = fc.array(
      fc.record({
        instance: fc.integer({ min: 0, max: 2 }),
        size: fc.integer({ min: 1, max: most }),
        pause: fc.integer({ min: 1, max: 200 }),
      }),
      { minLength: 1, maxLength: 40 },
    );
    await fc.assert(
      fc.asyncProperty(visits, async (all) => {
        const model = new RateModel(3, 20);
        const lastAt = [-Infinity, -Infinity, -Infinity];
        for (const { instance, size, pause } of all) {
          for (let step = 0; step < pause || model.nowMs - (lastAt[instance] ?? 0) < 1_150; step++)
            await model.step([]);
          lastAt[instance] = model.nowMs;
          await model.step([0, 1, 2].map((index) => (index === instance ? size : 0)));
        }
        for (let step = 0; step < 10; step++) await model.step([]);
        expect(model.refused).toEqual([]);
      }),
      few,
    );
  }, 120_000);

  it('needs one statement for a burst, less than one for 50 checks of a flood, and none far below the limit or alone', async () => {
    const burst = new RateModel(3, 20);
    await burst.step([60]);
    for (let step = 0; step < 10; step++) await burst.step([]);
    expect([burst.accepted.length, burst.statements]).toEqual([60, 1]);

    const flood = new RateModel(3, 20);
    for (let step = 0; step < 1_500; step++) await flood.step([1, 1, 1]);
    expect(flood.statements).toBeLessThanOrEqual(flood.checks / 50);
    expect(flood.accepted.length / 15).toBeGreaterThanOrEqual(95);

    const slow = new RateModel(3, 20);
    for (let step = 0; step < 1_500; step++) await slow.step(step % 110 === 0 ? [1, 1, 1] : []);
    expect([slow.refused, slow.statements]).toEqual([[], 0]);

    const alone = new RateModel(1, 20);
    for (let step = 0; step < 300; step++) await alone.step([2]);
    expect(alone.statements).toBe(0);
    expect(alone.most).toBe(LIMIT * 1.05);
  }, 60_000);

  it('goes on with its part of the limit while the database is out of reach', async () => {
    const model = new RateModel(3, 20);
    model.isCut = true;
    for (let step = 0; step < 1_000; step++) await model.step([1, 1, 1]);
    expect(model.most).toBeLessThanOrEqual(LIMIT);
    expect(model.accepted.length / 10).toBeGreaterThan(LIMIT * 0.85);
    expect(model.statements).toBeLessThanOrEqual(3 * 10);
    model.isCut = false;
    for (let step = 0; step < 1_500; step++) await model.step([1, 0, 0]);
    const late = model.accepted.filter((atMs) => atMs > model.nowMs - 5_000);
    expect(late.length).toBeGreaterThan(5 * 90);
  }, 60_000);
});
