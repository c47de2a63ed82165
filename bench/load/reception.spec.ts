import { describe, expect, it } from '@jest/globals';
import { Reception } from './reception.js';

function receive(...numbers: number[]): Reception {
  const reception = new Reception();
  for (const n of numbers) reception.take(n);
  return reception;
}

describe('a reception', () => {
  it('finds nothing wrong with 1, 2, 3', () => {
    const reception = receive(1, 2, 3);
    expect(reception).toMatchObject({ received: 3, duplicated: 0, disordered: 0 });
    expect(reception.lost(3, [])).toBe(0);
  });

  it('misses what was left out and what never came at the end', () => {
    expect(receive(1, 3).lost(5, [])).toBe(3);
    expect(receive().lost(2, [])).toBe(2);
  });

  it('counts what comes late as out of order and not as lost', () => {
    const reception = receive(1, 3, 2);
    expect(reception).toMatchObject({ received: 3, duplicated: 0, disordered: 1 });
    expect(reception.lost(3, [])).toBe(0);
  });

  it('counts a repeat once, wherever it comes', () => {
    expect(receive(1, 1)).toMatchObject({ received: 1, duplicated: 1 });
    expect(receive(1, 2, 3, 2)).toMatchObject({ received: 3, duplicated: 1, disordered: 0 });
  });

  it('does not miss what the server had refused', () => {
    expect(receive(1, 3).lost(4, [2, 4])).toBe(0);
  });

  it('still counts as received what arrived although its publish was refused', () => {
    expect(receive(1, 2).lost(2, [2])).toBe(0);
  });
});
