import type { PoolName, PoolUse } from '#database';
import { PoolWatch } from './pool-watch.js';

const IDLE: PoolUse = { max: 4, open: 4, busy: 0, waiting: 0 };

it('calls a pool short when somebody waited for it each time one looked, for ten seconds', () => {
  let nowMs = 0;
  const uses = { hot: IDLE, work: IDLE } as Record<PoolName, PoolUse>;
  const watch = new PoolWatch(
    () => uses,
    () => nowMs,
  );
  const lookAfter = (ms: number, hot: PoolUse): PoolName[] => {
    nowMs += ms;
    uses.hot = hot;
    watch.look();
    return watch.short;
  };
  const short = { max: 4, open: 4, busy: 4, waiting: 1 };
  expect(lookAfter(0, short)).toEqual([]);
  expect(lookAfter(9_000, short)).toEqual([]);
  expect(lookAfter(1_000, short)).toEqual(['hot']);
  expect(watch.busy).toMatchObject({ hot: '4/4', work: '0/4' });
  expect(lookAfter(1_000, IDLE)).toEqual([]);
  expect(lookAfter(1_000, short)).toEqual([]);
});
