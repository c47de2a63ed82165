import { Snapshot } from './snapshot.js';

let nowMs: number;
let taken: number;
let errors: unknown[];
let take: () => Promise<number>;
let snapshot: Snapshot<number>;

beforeEach(() => {
  [nowMs, taken, errors] = [0, 0, []];
  take = async () => ++taken;
  const options = {
    everyMs: 30_000,
    waitMs: 20,
    keepMs: 120_000,
    onError: (error: unknown) => void errors.push(error),
  };
  snapshot = new Snapshot(
    () => take(),
    options,
    () => nowMs,
  );
});

describe('Snapshot', () => {
  it('is taken once for everybody who looks meanwhile, and again when it is old', async () => {
    expect(await Promise.all([snapshot.read(), snapshot.read(), snapshot.read()])).toEqual([1, 1, 1]);
    nowMs = 29_999;
    expect(await snapshot.read()).toBe(1);
    nowMs = 30_000;
    expect(await snapshot.read()).toBe(2);
  });

  it('that takes long is shown to those who look later', async () => {
    let finish: (value: number) => void = () => undefined;
    take = () => new Promise((resolve) => (finish = resolve));
    expect(await snapshot.read()).toBeUndefined();
    finish(7);
    expect(await snapshot.read()).toBe(7);
  });

  it('that fails leaves the one before, until that is too old, and is not tried again at once', async () => {
    await snapshot.read();
    take = async () => {
      taken += 1;
      throw new Error('away');
    };
    for (nowMs of [30_000, 59_999, 60_000, 119_999]) expect(await snapshot.read()).toBe(1);
    nowMs = 120_000;
    expect(await snapshot.read()).toBeUndefined();
    expect([taken, errors.length]).toEqual([4, 3]);
  });

  it('is not taken before somebody looks', () => {
    expect(taken).toBe(0);
  });

  it('that is overdue makes nobody wait again and is not taken anew beside itself, and late it is as old as its question', async () => {
    let finish: (value: number) => void = () => undefined;
    take = () => {
      taken += 1;
      return new Promise((resolve) => (finish = resolve));
    };
    expect(await snapshot.read()).toBeUndefined();
    nowMs = 120_000;
    expect(await snapshot.read()).toBeUndefined();
    expect(taken).toBe(1);
    finish(7);
    await new Promise(setImmediate);
    const next = snapshot.read();
    finish(8);
    expect([await next, taken]).toEqual([8, 2]);
  });
});
