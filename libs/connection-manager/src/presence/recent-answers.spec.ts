import { RecentAnswers } from './recent-answers.js';

function recent(): { answers: RecentAnswers<number>; get: (key: string, nowMs: number) => Promise<number> } {
  const answers = new RecentAnswers<number>({ keepMs: 500, maxAnswers: 2 });
  let asked = 0;
  return { answers, get: (key, nowMs) => answers.get(key, () => Promise.resolve((asked += 1)), nowMs) };
}

describe('RecentAnswers', () => {
  it('gives an answer again for a moment, and then asks anew', async () => {
    const { get } = recent();
    expect([await get('a', 0), await get('a', 499), await get('b', 499), await get('a', 500)]).toEqual([1, 1, 2, 3]);
  });

  it('asks once for those who ask at the same time', async () => {
    const { get } = recent();
    expect(await Promise.all([get('a', 0), get('a', 0)])).toEqual([1, 1]);
  });

  it('does not give again what was asked for before it was forgotten', async () => {
    const { answers, get } = recent();
    const underWay = get('a', 0);
    answers.forget('a');
    expect([await underWay, await get('a', 1)]).toEqual([1, 2]);
  });

  it('asks again after a failure', async () => {
    const { answers, get } = recent();
    await expect(answers.get('a', () => Promise.reject(new Error('no database')), 0)).rejects.toThrow('no database');
    expect(await get('a', 1)).toBe(1);
  });

  it('keeps no more than it may: the oldest goes', async () => {
    const { answers, get } = recent();
    await Promise.all([get('a', 0), get('b', 1), get('c', 2)]);
    expect(answers.size).toBe(2);
    expect([await get('b', 3), await get('a', 3)]).toEqual([2, 4]);
  });

  it('keeps nothing that has ended beside what is new', async () => {
    const { answers, get } = recent();
    await get('a', 0);
    await get('b', 600);
    expect(answers.size).toBe(1);
  });
});
