import { Fault } from '#protocol';
import { Admission, type AdmissionLimits, type Entrant, type Place } from './admission.js';

const NO_LIMITS: AdmissionLimits = {
  maxConnections: 1_000,
  maxPerUser: 0,
  maxPerAddress: 0,
  maxOpening: 1_000,
  isOldestOut: false,
};

/** Stands for all instances together without any limit. */
const ANY_NUMBER = {
  isOn: false,
  shortage: () => undefined,
  enter: () => Promise.resolve(),
  leave: () => undefined,
};

let displaced: string[];
beforeEach(() => (displaced = []));

function entrant(user: string, address = '203.0.113.7'): Entrant {
  return { user, address, displace: ({ fault }) => displaced.push(`${user} ${fault}`) };
}

/** Returns the refusal and the time to come back after, or undefined if a permit was given. */
function refusal(enter: () => Place): string | undefined {
  try {
    enter();
    return undefined;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return `${error.fault} ${error.toWire().retryAfterMs}`;
  }
}

describe('admission', () => {
  it('refuses whoever comes to a full instance, and takes the next one when a place is given back', () => {
    const admission = new Admission({ ...NO_LIMITS, maxConnections: 2 }, ANY_NUMBER, () => 0);
    const ann = admission.enter(entrant('ann'));
    admission.enter(entrant('ben'));
    expect(refusal(() => admission.enter(entrant('cid')))).toBe('INSTANCE_FULL 1000');
    ann.leave();
    ann.leave(); // a permit returned twice is one permit
    expect(refusal(() => admission.enter(entrant('cid')))).toBeUndefined();
    expect(refusal(() => admission.enter(entrant('dee')))).toBe('INSTANCE_FULL 1000');
  });

  it('refuses more than may be opening at once, until some are open or gone', () => {
    const admission = new Admission({ ...NO_LIMITS, maxOpening: 2 }, ANY_NUMBER, () => 0.5);
    const ann = admission.enter(entrant('ann'));
    const ben = admission.enter(entrant('ben'));
    expect(refusal(() => admission.enter(entrant('cid')))).toBe('OVERLOADED 2000');
    ann.opened();
    ann.leave();
    expect(refusal(() => admission.enter(entrant('cid')))).toBeUndefined();
    expect(refusal(() => admission.enter(entrant('dee')))).toBe('OVERLOADED 2000');
    ben.leave();
    expect(refusal(() => admission.enter(entrant('dee')))).toBeUndefined();
  });

  it('caps a user and an address, by refusing the newest connection', () => {
    const admission = new Admission({ ...NO_LIMITS, maxPerUser: 1, maxPerAddress: 2 }, ANY_NUMBER, () => 0);
    admission.enter(entrant('ann'));
    expect(refusal(() => admission.enter(entrant('ann')))).toBe('USER_FULL 10000');
    admission.enter(entrant('ben'));
    expect(refusal(() => admission.enter(entrant('cid')))).toBe('ADDRESS_FULL 10000');
    expect(refusal(() => admission.enter(entrant('cid', '198.51.100.1')))).toBeUndefined();
    expect(displaced).toEqual([]);
  });

  it('or by closing the oldest one', () => {
    const admission = new Admission({ ...NO_LIMITS, maxPerUser: 2, isOldestOut: true }, ANY_NUMBER);
    const first = admission.enter(entrant('ann', '198.51.100.1'));
    for (const address of ['198.51.100.2', '198.51.100.3']) admission.enter(entrant('ann', address));
    expect(displaced).toEqual(['ann DISPLACED']);
    first.leave();
    admission.enter(entrant('ann'));
    expect(displaced).toEqual(['ann DISPLACED', 'ann DISPLACED']);
  });

  it('never closes anybody’s connection because the instance is full', () => {
    const admission = new Admission({ ...NO_LIMITS, maxConnections: 1, isOldestOut: true }, ANY_NUMBER, () => 0);
    admission.enter(entrant('ann'));
    expect(refusal(() => admission.enter(entrant('ben')))).toBe('INSTANCE_FULL 1000');
    expect(displaced).toEqual([]);
  });

  it('spreads the times to come back after', () => {
    const admission = new Admission({ ...NO_LIMITS, maxConnections: 0 }, ANY_NUMBER);
    const times = Array.from({ length: 100 }, () => refusal(() => admission.enter(entrant('ann'))));
    expect(new Set(times).size).toBeGreaterThan(50);
  });
});
