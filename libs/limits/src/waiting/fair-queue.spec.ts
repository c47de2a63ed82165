import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { ProtocolError } from '#protocol';
import { FairQueue, type FairQueueOptions } from './fair-queue.js';

/** Makes a queue and tasks for it: `begun` lists them in the order in which they began, and `end` ends one. */
function queueOf(options: Partial<FairQueueOptions> = {}) {
  const queue = new FairQueue({
    ...{ concurrency: 4, concurrencyOfOne: 2, maxWaiting: 100, maxWaitingOfOne: 50 },
    ...options,
  });
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const add = (owner: string, no: number): Promise<string> =>
    queue.run(owner, () => {
      const name = `${owner}${no}`;
      begun.push(name);
      return new Promise((resolve) => ends.set(name, () => resolve(name)));
    });
  const end = async (name: string): Promise<void> => {
    ends.get(name)?.();
    await turn();
  };
  return { queue, begun, add, end };
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, no) => no);

async function refusalOf(answer: Promise<unknown>): Promise<string> {
  const error = await answer.then(
    () => undefined,
    (failure: unknown) => failure,
  );
  if (!(error instanceof ProtocolError)) throw new Error('it was not refused');
  return `${error.errorName} ${error.message} ${error.toWire().retryAfterMs}`;
}

describe('FairQueue', () => {
  it('begins at once while there is room, and gives each its own result', async () => {
    const { begun, add, end } = queueOf();
    const answer = add('ann', 0);
    expect(begun).toEqual(['ann0']);
    await end('ann0');
    expect(await answer).toBe('ann0');
  });

  it('runs some at once of one owner, and leaves room for the others', () => {
    const { begun, add } = queueOf();
    for (const no of numbers(5)) void add('ann', no);
    void add('ben', 0);
    expect(begun).toEqual(['ann0', 'ann1', 'ben0']);
  });

  it('takes owners in turns, whoever came first, and keeps the order of each', async () => {
    const { begun, add, end } = queueOf({ concurrency: 1, concurrencyOfOne: 1 });
    for (const no of numbers(4)) void add('ann', no);
    for (const no of numbers(2)) void add('ben', no);
    void add('cid', 0);
    for (let next = 0; next < 7; next++) await end(begun[next] ?? '');
    expect(begun).toEqual(['ann0', 'ann1', 'ben0', 'cid0', 'ann2', 'ben1', 'ann3']);
  });

  it('passes over an owner who has as much under way as it may', async () => {
    const { begun, add, end } = queueOf({ concurrency: 3 });
    for (const no of numbers(3)) void add('ann', no);
    for (const no of numbers(2)) void add('ben', no);
    expect(begun).toEqual(['ann0', 'ann1', 'ben0']);
    await end('ben0');
    expect(begun).toEqual(['ann0', 'ann1', 'ben0', 'ben1']);
    await end('ann0');
    expect(begun.at(-1)).toBe('ann2');
  });

  it('refuses what is too much of one owner, and goes on taking that of others', async () => {
    const { begun, add } = queueOf({ maxWaitingOfOne: 2 });
    for (const no of numbers(4)) void add('ann', no);
    expect(await refusalOf(add('ann', 4))).toBe('OVERLOADED too many requests of ann are waiting 1000');
    void add('ben', 0);
    expect(begun).toContain('ben0');
  });

  it('refuses what is too much in all, says so, and takes more when that has passed', async () => {
    let refused = 0;
    const { begun, add, end } = queueOf({ concurrency: 1, maxWaiting: 1, onRefused: () => (refused += 1) });
    void add('ann', 0);
    void add('ben', 0);
    expect(await refusalOf(add('cid', 0))).toBe('OVERLOADED too many requests are waiting 1000');
    expect(refused).toBe(1);
    await end('ann0');
    void add('cid', 1);
    await end('ben0');
    expect(begun).toEqual(['ann0', 'ben0', 'cid1']);
  });

  it('goes on behind a work that fails, whether it rejects or throws', async () => {
    const { queue, begun, add } = queueOf({ concurrency: 1 });
    const rejected = queue.run('ann', () => Promise.reject(new Error('no')));
    const thrown = queue.run('ann', () => {
      throw new Error('no way');
    });
    void add('ben', 0);
    await expect(rejected).rejects.toThrow('no');
    await expect(thrown).rejects.toThrow('no way');
    await turn();
    expect(begun).toEqual(['ben0']);
  });

  it('runs everything once, in the order of each owner, and never more at once than it may', async () => {
    const owners = fc.constantFrom('ann', 'ben', 'cid', 'dee', 'eve');
    await fc.assert(
      fc.asyncProperty(
        fc.array(owners, { maxLength: 40 }),
        fc.integer({ min: 1, max: 4 }),
        async (asked, concurrency) => {
          const concurrencyOfOne = Math.max(1, Math.floor(concurrency / 2));
          const { begun, add, end } = queueOf({ concurrency, concurrencyOfOne });
          asked.forEach((owner, no) => void add(owner, no));
          for (let ended = 0; ended < asked.length; ended++) {
            const underWay = begun.slice(ended).map((name) => name.slice(0, 3));
            expect(underWay.length).toBeGreaterThan(0);
            expect(underWay.length).toBeLessThanOrEqual(concurrency);
            for (const owner of underWay)
              expect(underWay.filter((other) => other === owner).length).toBeLessThanOrEqual(concurrencyOfOne);
            await end(begun[ended] ?? '');
          }
          for (const owner of new Set(asked)) {
            const own = (names: readonly string[]) => names.filter((name) => name.startsWith(owner));
            expect(own(begun)).toEqual(own(asked.map((name, no) => `${name}${no}`)));
          }
        },
      ),
    );
  });
});
