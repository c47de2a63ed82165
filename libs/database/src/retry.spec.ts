import { withRetry } from './retry.js';

const conflict = (): Error => Object.assign(new Error('deadlock detected'), { code: '40P01' });
const badInput = (): Error => Object.assign(new Error('invalid input syntax'), { code: '22P02' });

describe('withRetry', () => {
  it('repeats until it goes well and gives that result', async () => {
    const work = failing(2, conflict);
    expect(await withRetry(work.run, { deadlineMs: 5_000 })).toBe('done');
    expect(work.tries()).toBe(3);
  });

  it('gives up at once on what will never go well', async () => {
    const work = failing(Infinity, badInput);
    await expect(withRetry(work.run, { deadlineMs: 5_000 })).rejects.toMatchObject({ code: '22P02' });
    expect(work.tries()).toBe(1);
  });

  it('gives up with the last error before the deadline passes', async () => {
    const work = failing(Infinity, conflict);
    const startedAt = performance.now();
    await expect(withRetry(work.run, { deadlineMs: 150 })).rejects.toMatchObject({ code: '40P01' });
    expect(performance.now() - startedAt).toBeLessThan(400);
    expect(work.tries()).toBeGreaterThan(1);
  });

  it('leaves it to the caller what may be repeated', async () => {
    const work = failing(1, badInput);
    expect(await withRetry(work.run, { deadlineMs: 5_000, isRetryable: () => true })).toBe('done');
    const other = failing(1, conflict);
    await expect(withRetry(other.run, { deadlineMs: 5_000, isRetryable: () => false })).rejects.toThrow('deadlock');
  });
});

function failing(times: number, makeError: () => Error): { run: () => Promise<string>; tries: () => number } {
  let tries = 0;
  const run = (): Promise<string> => (++tries <= times ? Promise.reject(makeError()) : Promise.resolve('done'));
  return { run, tries: () => tries };
}
