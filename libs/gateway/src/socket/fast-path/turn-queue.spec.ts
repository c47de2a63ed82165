import { TurnQueue } from './turn-queue.js';

it('does a few tasks in each turn of the event loop, in their order', async () => {
  const queue = new TurnQueue(2);
  const done: number[] = [];
  for (const n of [1, 2, 3, 4, 5]) queue.run(() => void done.push(n));
  expect(done).toEqual([1, 2]);
  await new Promise((resolve) => setImmediate(resolve));
  expect(done.length).toBeLessThan(5);
  for (let turns = 0; turns < 5; turns++) await new Promise((resolve) => setImmediate(resolve));
  expect(done).toEqual([1, 2, 3, 4, 5]);
});
