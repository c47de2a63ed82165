import { setImmediate as turn } from 'node:timers/promises';
import { Batcher, BatcherFullError, type BatcherOptions } from './batcher.js';

describe('Batcher', () => {
  it('makes one batch of what arrives in one turn of the event loop, and gives each its own result', async () => {
    const { batcher, batches } = recorded();
    expect(await Promise.all([1, 2, 3].map((item) => batcher.add(item)))).toEqual([10, 20, 30]);
    expect(batches).toEqual([[1, 2, 3]]);
  });

  it('makes the next batch of what arrives while one is in flight, and never runs two at once', async () => {
    const gate = gated();
    const { batcher, batches } = recorded({ run: gate.run });
    const first = batcher.add(1);
    await gate.entered();
    const later = [2, 3].map((item) => batcher.add(item));
    await turn();
    const latest = batcher.add(4);
    await turn();
    expect(batches).toEqual([[1]]);
    gate.open();
    expect(await Promise.all([first, ...later, latest])).toEqual([10, 20, 30, 40]);
    expect(batches).toEqual([[1], [2, 3, 4]]);
  });

  it('keeps the order of arrival across batches of limited size', async () => {
    const { batcher, batches } = recorded({ maxItems: 2 });
    const done: number[] = [];
    await Promise.all([1, 2, 3, 4, 5].map((item) => batcher.add(item).then((result) => done.push(result))));
    expect(batches).toEqual([[1, 2], [3, 4], [5]]);
    expect(done).toEqual([10, 20, 30, 40, 50]);
  });

  it('lets what comes within the pace of the last batch gather, and a lone item wait for nothing', async () => {
    const { batcher, batches } = recorded({ paceMs: (items) => 200 * items });
    const startedAt = performance.now();
    await batcher.add(1);
    const second = batcher.add(2);
    await turn();
    await Promise.all([second, batcher.add(3)]);
    expect(batches).toEqual([[1], [2, 3]]);
    expect(performance.now() - startedAt).toBeGreaterThan(198);
  });

  it('starts a full batch whatever the pace', async () => {
    const { batcher, batches } = recorded({ paceMs: () => 600_000, maxItems: 2 });
    await Promise.all([1, 2, 3, 4].map((item) => batcher.add(item)));
    expect(batches).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });

  it('ends the pause once what waits is a full batch', async () => {
    const { batcher, batches } = recorded({ paceMs: () => 600_000, maxItems: 2 });
    await batcher.add(1);
    const second = batcher.add(2);
    await turn();
    expect(batches).toEqual([[1]]);
    await Promise.all([second, batcher.add(3)]);
    expect(batches).toEqual([[1], [2, 3]]);
  });

  it('sends a full batch that waits on its way before it answers the last one', async () => {
    const happened: string[] = [];
    const { batcher } = recorded({
      maxItems: 2,
      run: (items) => {
        happened.push(`run ${items.join()}`);
        return Promise.resolve(items);
      },
    });
    const noted = [1, 2, 3, 4, 5].map((item) => batcher.add(item).then(() => happened.push(`answer ${item}`)));
    await Promise.all(noted);
    await batcher.drain();
    expect(happened).toEqual([
      ...['run 1,2', 'run 3,4', 'answer 1', 'answer 2'],
      ...['answer 3', 'answer 4', 'run 5', 'answer 5'],
    ]);
  });

  it('answers an item whose result is known before those of the others', async () => {
    const gate = gated();
    const { batcher } = recorded({
      run: async (items, answer) => {
        answer(0, 'early' as never);
        answer(1, new Error('too late'));
        return gate.run(items, answer);
      },
    });
    const results = [1, 2, 3].map((item) => batcher.add(item));
    expect(await results[0]).toBe('early');
    await expect(results[1]).rejects.toThrow('too late');
    gate.open();
    expect(await results[2]).toBe(30);
  });

  it('fails an item alone when its place holds an error', async () => {
    const { batcher } = recorded({
      run: (items) => Promise.resolve(items.map((item) => (item === 2 ? new Error('two') : item))),
    });
    const results = await Promise.allSettled([1, 2, 3].map((item) => batcher.add(item)));
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });

  it.each<[string, () => Promise<number[]>]>([
    ['rejects', () => Promise.reject(new Error('no database'))],
    [
      'throws',
      () => {
        throw new Error('no database');
      },
    ],
  ])('fails every item of a batch that %s, and goes on with the next', async (_, fail) => {
    let isBroken = true;
    const { batcher } = recorded({ maxItems: 2, run: (items) => (isBroken ? fail() : Promise.resolve(items)) });
    const results = await Promise.allSettled([batcher.add(1), batcher.add(2)]);
    expect(results).toMatchObject([{ reason: { message: 'no database' } }, { reason: { message: 'no database' } }]);
    isBroken = false;
    expect(await batcher.add(3)).toBe(3);
  });

  it('refuses what is too much, counting what runs, and takes items again afterwards', async () => {
    const gate = gated();
    const { batcher } = recorded({ maxWaiting: 3, run: gate.run });
    const first = batcher.add(1);
    await gate.entered();
    const waiting = [batcher.add(2), batcher.add(3)];
    expect(batcher.size).toBe(3);
    await expect(batcher.add(4)).rejects.toBeInstanceOf(BatcherFullError);
    gate.open();
    expect(await Promise.all([first, ...waiting])).toEqual([10, 20, 30]);
    expect(await batcher.add(4)).toBe(40);
  });

  it('gives owners turns when more waits than one batch holds, and keeps the order of each', async () => {
    const { batcher, batches } = recorded({ maxItems: 3, ownerOf: (item) => (item < 10 ? 'many' : 'few') });
    await Promise.all([1, 2, 3, 4, 5, 10].map((item) => batcher.add(item)));
    expect(batches).toEqual([
      [1, 10, 2],
      [3, 4, 5],
    ]);
  });

  it('refuses what is too much of one owner, and takes that of the others', async () => {
    const { batcher } = recorded({ maxItems: 2, ownerOf: (item) => String(item % 2), maxWaitingOf: () => 3 });
    const waiting = [1, 3, 5].map((item) => batcher.add(item));
    expect(batcher.isFullFor('1')).toBe(true);
    await expect(batcher.add(7)).rejects.toBeInstanceOf(BatcherFullError);
    expect(batcher.isFullFor('0')).toBe(false);
    expect(await Promise.all([...waiting, batcher.add(2)])).toEqual([10, 30, 50, 20]);
    expect(await batcher.add(7)).toBe(70);
  });

  it('starts a batch that weighs enough whatever the pace', async () => {
    const { batcher, batches } = recorded({ paceMs: () => 600_000, weigh: (item) => item, maxWeight: 10 });
    await batcher.add(1);
    await Promise.all([4, 6].map((item) => batcher.add(item)));
    expect(batches).toEqual([[1], [4, 6]]);
  });

  it('drains when nothing waits or runs any more', async () => {
    const gate = gated();
    const { batcher } = recorded({ maxItems: 1, run: gate.run });
    await batcher.drain();
    const done: number[] = [];
    for (const item of [1, 2, 3]) void batcher.add(item).then((result) => done.push(result));
    await gate.entered();
    const drained = batcher.drain().then(() => done.push(0));
    await turn();
    expect(done).toEqual([]);
    gate.open();
    await drained;
    expect(done).toEqual([10, 20, 30, 0]);
    expect(batcher.size).toBe(0);
  });

  it('drains past a batch that fails', async () => {
    const { batcher } = recorded({ run: () => Promise.reject(new Error('no database')) });
    const refused = expect(batcher.add(1)).rejects.toThrow('no database');
    await batcher.drain();
    await refused;
  });
});

type Options = BatcherOptions<number, number>;

/** Makes a batcher that multiplies by ten, and records the batches that it ran. */
function recorded(options: Partial<Options> = {}): { batcher: Batcher<number, number>; batches: number[][] } {
  const batches: number[][] = [];
  const { run = tenfold, maxItems = 100, ...others } = options;
  const recordedRun: Options['run'] = (items, answer) => {
    batches.push([...items]);
    return run(items, answer);
  };
  return { batcher: new Batcher({ run: recordedRun, maxItems, ...others }), batches };
}

function tenfold(items: number[]): Promise<number[]> {
  return Promise.resolve(items.map((item) => item * 10));
}

/** Makes a run that stands still until the gate opens. */
function gated(): { run: Options['run']; entered: () => Promise<void>; open: () => void } {
  let open!: () => void;
  let enter!: () => void;
  const opened = new Promise<void>((resolve) => (open = resolve));
  const entered = new Promise<void>((resolve) => (enter = resolve));
  const run: Options['run'] = async (items) => {
    enter();
    await opened;
    return tenfold(items);
  };
  return { run, entered: () => entered, open };
}
