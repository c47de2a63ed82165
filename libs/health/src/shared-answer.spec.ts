import { SharedAnswer } from './shared-answer.js';

let nowMs: number;
let asked: { answer: (value: string) => void; fail: () => void }[];

beforeEach(() => {
  nowMs = 0;
  asked = [];
});

function share(deadlineMs = 60_000): SharedAnswer<string> {
  const ask = (): Promise<string> =>
    new Promise((resolve, reject) => asked.push({ answer: resolve, fail: () => reject(new Error('broken')) }));
  return new SharedAnswer({ ask, freshMs: 1_000, deadlineMs, now: () => nowMs });
}

it('asks nobody before somebody wants to know', () => {
  share();
  expect(asked).toHaveLength(0);
});

it('asks once for all who want to know at the same time, and for those who come while the answer is fresh', async () => {
  const shared = share();
  const first = Array.from({ length: 1_000 }, () => shared.get());
  asked[0]?.answer('up');
  expect(new Set(await Promise.all(first))).toEqual(new Set(['up']));
  nowMs = 999;
  expect(await shared.get()).toBe('up');
  expect(asked).toHaveLength(1);
  nowMs = 1_000;
  const second = shared.get();
  asked[1]?.answer('still up');
  expect(await second).toBe('still up');
});

it('says that there is no answer when asking fails, and asks again once that is old', async () => {
  const shared = share();
  const failed = shared.get();
  asked[0]?.fail();
  expect(await failed).toBeUndefined();
  expect(await shared.get()).toBeUndefined();
  expect(asked).toHaveLength(1);
  nowMs = 1_000;
  const second = shared.get();
  asked[1]?.answer('up');
  expect(await second).toBe('up');
});

it('waits no longer than the deadline, and does not ask again while the late answer is still to come', async () => {
  const shared = share(1);
  expect(await shared.get()).toBeUndefined();
  nowMs = 5_000;
  expect(await shared.get()).toBeUndefined();
  expect(asked).toHaveLength(1);
  asked[0]?.answer('too late');
  await new Promise(setImmediate);
  const next = shared.get();
  expect(asked).toHaveLength(2);
  asked[1]?.answer('up');
  expect(await next).toBe('up');
});
