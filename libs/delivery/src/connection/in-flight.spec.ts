import { InFlight } from './in-flight.js';

let inFlight: InFlight;

beforeEach(() => {
  inFlight = new InFlight();
  inFlight.add(3, 100, 1_000);
  inFlight.add(5, 200, 2_000);
  inFlight.add(6, 300, 3_000);
});

describe('InFlight', () => {
  it('settles everything up to a seq, also one that was never sent', () => {
    expect(inFlight.settleUpTo(4)).toMatchObject({
      count: 1,
      bytes: 100,
      ranges: [{ fromSeq: 3, toSeq: 3, sentAtMs: 1_000 }],
    });
    expect(inFlight.settleUpTo(5)).toMatchObject({
      count: 1,
      bytes: 200,
      ranges: [{ fromSeq: 5, toSeq: 5, sentAtMs: 2_000 }],
    });
    expect(inFlight.size).toBe(1);
  });

  it('settles nothing twice', () => {
    inFlight.settleUpTo(5);
    expect(inFlight.settleUpTo(5)).toMatchObject({ count: 0, bytes: 0 });
    expect(inFlight.size).toBe(1);
  });

  it('settles all without a seq, as ranges without the holes between, each with when its first was sent', () => {
    const ranges = [
      { fromSeq: 3, toSeq: 3, sentAtMs: 1_000, wantsReceipts: false },
      { fromSeq: 5, toSeq: 6, sentAtMs: 2_000, wantsReceipts: false },
    ];
    expect(inFlight.settleUpTo()).toEqual({ count: 3, bytes: 600, ranges });
    expect(inFlight.settleUpTo()).toEqual({ count: 0, bytes: 0, ranges: [] });
  });
});
