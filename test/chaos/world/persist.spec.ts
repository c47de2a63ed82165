import { persist } from './persist.js';

const fail = (code: string): Error => Object.assign(new Error('deadlock detected'), { code });

test('what passes by itself is tried again, and its result is given back', async () => {
  const outcomes = [fail('40P01'), new Error('Connection terminated unexpectedly'), fail('ECONNREFUSED'), 'done'];
  const work = (): Promise<unknown> => {
    const outcome = outcomes.shift();
    return outcome instanceof Error ? Promise.reject(outcome) : Promise.resolve(outcome);
  };
  expect(await persist(4, work)).toBe('done');
});

test('it ends with the tries, and at once with an error that would come again', async () => {
  let tries = 0;
  const work = (code: string) => (): Promise<never> => {
    tries += 1;
    return Promise.reject(fail(code));
  };
  await expect(persist(2, work('40P01'))).rejects.toThrow('deadlock detected');
  expect(tries).toBe(2);
  await expect(persist(5, work('42601'))).rejects.toThrow('deadlock detected');
  expect(tries).toBe(3);
});
