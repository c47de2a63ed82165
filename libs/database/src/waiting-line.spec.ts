import fc from 'fast-check';
import { WaitingLine, type WaitingLineOptions } from './waiting-line.js';

interface Item {
  readonly owner: string;
  readonly no: number;
  readonly weight: number;
}

function lineOf(options: Partial<WaitingLineOptions<Item>> = {}, ...items: Item[]): WaitingLine<Item> {
  const line = new WaitingLine<Item>({ maxItems: 3, ownerOf: ({ owner }) => owner, ...options });
  for (const item of items) line.push(item);
  return line;
}

function of(owner: string, count: number, weight = 1): Item[] {
  return Array.from({ length: count }, (_, no) => ({ owner, no, weight }));
}

/** Takes everything, batch after batch, and returns each batch as a text like `ann0 ann1`. */
function batchesOf(line: WaitingLine<Item>): string[] {
  const batches: string[] = [];
  while (line.size > 0)
    batches.push(
      line
        .take()
        .map(({ owner, no }) => `${owner}${no}`)
        .join(' '),
    );
  return batches;
}

const weigh = ({ weight }: Item): number => weight;

describe('WaitingLine', () => {
  it('is taken in the order of arrival while one batch holds everything', () => {
    expect(batchesOf(lineOf({}, ...of('ann', 2), ...of('ben', 1)))).toEqual(['ann0 ann1 ben0']);
  });

  it('gives each owner its turn when more waits, whoever came first', () => {
    const line = lineOf({}, ...of('ann', 6), ...of('ben', 1), ...of('cid', 2));
    expect(batchesOf(line)).toEqual(['ann0 ben0 cid0', 'ann1 cid1 ann2', 'ann3 ann4 ann5']);
  });

  it('goes on where the last batch ended, so that nobody at the end is passed over', () => {
    const line = lineOf({}, ...of('ann', 3), ...of('ben', 3), ...of('cid', 3), ...of('dee', 3), ...of('eve', 3));
    expect(batchesOf(line).slice(0, 2)).toEqual(['ann0 ben0 cid0', 'dee0 eve0 ann1']);
  });

  it('gives a newcomer its turn in the next batch', () => {
    const line = lineOf({}, ...of('ann', 9));
    line.take();
    line.push({ owner: 'ben', no: 0, weight: 1 });
    expect(batchesOf(line)[0]).toContain('ben0');
  });

  it('is one line where nobody says whose the items are', () => {
    const line = new WaitingLine<Item>({ maxItems: 3, weigh, maxWeight: 5 });
    for (const item of [...of('ann', 4), ...of('ben', 1, 4), ...of('cid', 1, 9)]) line.push(item);
    expect(batchesOf(line)).toEqual(['ann0 ann1 ann2', 'ann3 ben0', 'cid0']);
  });

  it('ends a batch with what it may weigh, and gives what is heavier a batch of its own', () => {
    const line = lineOf({ weigh, maxWeight: 10 }, ...of('ann', 3, 6), ...of('ben', 1, 4), ...of('cid', 1, 50));
    expect(batchesOf(line)).toEqual(['ann0 ben0', 'cid0', 'ann1', 'ann2']);
  });

  it('has a full batch by number or by weight', () => {
    expect(lineOf({}, ...of('ann', 2)).hasFullBatch).toBe(false);
    expect(lineOf({}, ...of('ann', 3)).hasFullBatch).toBe(true);
    expect(lineOf({ weigh, maxWeight: 10 }, ...of('ann', 1, 10)).hasFullBatch).toBe(true);
  });

  it('counts for each owner what waits, once more does than one batch holds', () => {
    const line = lineOf({}, ...of('ann', 4), ...of('ben', 1));
    expect(['ann', 'ben', 'cid'].map((owner) => line.sizeOf(owner))).toEqual([4, 1, 0]);
  });

  it('loses nothing, keeps the order of each owner, and holds up an owner for no longer than its turn', () => {
    const owner = fc.constantFrom('ann', 'ben', 'cid', 'dee');
    const step = fc.oneof(fc.record({ owner, weight: fc.integer({ min: 1, max: 12 }) }), fc.constant('take' as const));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 5 }), (steps, maxItems) => {
        const line = lineOf({ maxItems, weigh, maxWeight: 10 });
        const pushed: Item[] = [];
        const taken: Item[] = [];
        const takeOne = (): void => {
          const waits = new Set(pushed.filter((item) => !taken.includes(item)).map((item) => item.owner));
          const batch = line.take();
          expect(batch.length).toBeLessThanOrEqual(maxItems);
          expect(batch.length === 1 || batch.reduce((sum, { weight }) => sum + weight, 0) <= 10).toBe(true);
          // An owner is in the batch twice only if every owner that waits is in it.
          const isTwice = new Set(batch.map((item) => item.owner)).size < batch.length;
          if (isTwice) expect([...waits].every((waiting) => batch.some((item) => item.owner === waiting))).toBe(true);
          taken.push(...batch);
        };
        steps.forEach((what, no) => {
          if (what === 'take') return takeOne();
          const item = { ...what, no };
          pushed.push(item);
          line.push(item);
        });
        while (line.size > 0) takeOne();
        expect(taken).toHaveLength(pushed.length);
        for (const name of ['ann', 'ben', 'cid', 'dee']) {
          const own = (items: readonly Item[]) => items.filter((item) => item.owner === name);
          expect(own(taken)).toEqual(own(pushed));
        }
      }),
    );
  });
});
