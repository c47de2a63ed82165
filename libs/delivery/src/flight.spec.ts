import { Flight } from './flight.js';

let flight: Flight;

beforeEach(() => {
  flight = new Flight();
  flight.add(3, 100, 1_000);
  flight.add(5, 200, 2_000);
  flight.add(6, 300, 3_000);
});

describe('Flight', () => {
  it('lands everything up to a seq, also one that was never sent', () => {
    expect(flight.land(4)).toMatchObject({ count: 1, bytes: 100, runs: [{ fromSeq: 3, toSeq: 3, sentAtMs: 1_000 }] });
    expect(flight.land(5)).toMatchObject({ count: 1, bytes: 200, runs: [{ fromSeq: 5, toSeq: 5, sentAtMs: 2_000 }] });
    expect(flight.size).toBe(1);
  });

  it('lands nothing twice', () => {
    flight.land(5);
    expect(flight.land(5)).toMatchObject({ count: 0, bytes: 0 });
    expect(flight.size).toBe(1);
  });

  it('lands all without a seq, as runs without the holes between, each with when its first was sent', () => {
    const runs = [
      { fromSeq: 3, toSeq: 3, sentAtMs: 1_000, wantsReceipts: false },
      { fromSeq: 5, toSeq: 6, sentAtMs: 2_000, wantsReceipts: false },
    ];
    expect(flight.land()).toEqual({ count: 3, bytes: 600, runs });
    expect(flight.land()).toEqual({ count: 0, bytes: 0, runs: [] });
  });
});
