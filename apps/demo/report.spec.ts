import { DemoLedger } from './demo-ledger.js';
import { faultsOf, percentile, reportOf } from './report.js';

const balance = new DemoLedger('group:g').balance();
const figures = { killed: 1, reconnects: 2, repeats: 3, seed: 4 };

describe('percentile', () => {
  it('is the nearest rank', () => {
    const sorted = Array.from({ length: 100 }, (_, index) => index + 1);
    expect([0.5, 0.95, 0.99, 1].map((share) => percentile(sorted, share))).toEqual([50, 95, 99, 100]);
    expect(percentile([7.26], 0.5)).toBe(7.3);
    expect(percentile([], 0.99)).toBe(0);
  });
});

describe('faultsOf', () => {
  it('finds none in a run where all is well', () => {
    expect(faultsOf({ ...reportOf(balance, figures), expected: 5, received: 5 }, 0)).toEqual([]);
  });

  it('does not take a run that proved nothing for a success', () => {
    expect(faultsOf(reportOf(balance, figures), 0)).toHaveLength(1);
  });

  it.each(['lost', 'duplicated', 'outOfOrder', 'foreign'])('names %s', (name) => {
    expect(faultsOf({ ...reportOf(balance, figures), expected: 5, [name]: 2 }, 0)).toEqual([`${name}: 2`]);
  });

  it('names what could not be published', () => {
    expect(faultsOf({ ...reportOf(balance, figures), expected: 5 }, 1)).toHaveLength(1);
  });
});
