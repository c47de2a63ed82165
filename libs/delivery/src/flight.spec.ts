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
    expect(flight.land(4)).toEqual({ count: 1, bytes: 100, sentAtMs: 1_000 });
    expect(flight.land(5)).toEqual({ count: 1, bytes: 200, sentAtMs: 2_000 });
    expect(flight.size).toBe(1);
  });

  it('lands nothing twice', () => {
    flight.land(5);
    expect(flight.land(5)).toMatchObject({ count: 0, bytes: 0 });
    expect(flight.size).toBe(1);
  });

  it('lands all without a seq, and says when the first of them was sent', () => {
    expect(flight.land()).toEqual({ count: 3, bytes: 600, sentAtMs: 1_000 });
    expect(flight.land()).toEqual({ count: 0, bytes: 0, sentAtMs: undefined });
  });
});
