import { ProtocolError } from '#protocol';
import { Admission, type AdmissionCandidate, type AdmissionLimits, type Permit } from './admission.js';

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

function candidate(user: string, address = '203.0.113.7'): AdmissionCandidate {
  return { user, address, displace: ({ errorName }) => displaced.push(`${user} ${errorName}`) };
}

/** Returns the refusal and the time to come back after, or undefined if a permit was given. */
function refusal(enter: () => Permit): string | undefined {
  try {
    enter();
    return undefined;
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return `${error.errorName} ${error.toWire().retryAfterMs}`;
  }
}

describe('admission', () => {
  it('refuses whoever comes to a full instance, and takes the next one when a permit is given back', () => {
    const admission = new Admission({ ...NO_LIMITS, maxConnections: 2 }, ANY_NUMBER, () => 0);
    const ann = admission.enter(candidate('ann'));
    admission.enter(candidate('ben'));
    expect(refusal(() => admission.enter(candidate('cid')))).toBe('INSTANCE_FULL 1000');
    ann.leave();
    ann.leave(); // a permit returned twice is one permit
    expect(refusal(() => admission.enter(candidate('cid')))).toBeUndefined();
    expect(refusal(() => admission.enter(candidate('dee')))).toBe('INSTANCE_FULL 1000');
  });

  it('refuses more than may be opening at once, until some are open or gone', () => {
    const admission = new Admission({ ...NO_LIMITS, maxOpening: 2 }, ANY_NUMBER, () => 0.5);
    const ann = admission.enter(candidate('ann'));
    const ben = admission.enter(candidate('ben'));
    expect(refusal(() => admission.enter(candidate('cid')))).toBe('OVERLOADED 2000');
    ann.opened();
    ann.leave();
    expect(refusal(() => admission.enter(candidate('cid')))).toBeUndefined();
    expect(refusal(() => admission.enter(candidate('dee')))).toBe('OVERLOADED 2000');
    ben.leave();
    expect(refusal(() => admission.enter(candidate('dee')))).toBeUndefined();
  });

  it('caps a user and an address, by refusing the newest connection', () => {
    const admission = new Admission({ ...NO_LIMITS, maxPerUser: 1, maxPerAddress: 2 }, ANY_NUMBER, () => 0);
    admission.enter(candidate('ann'));
    expect(refusal(() => admission.enter(candidate('ann')))).toBe('USER_FULL 10000');
    admission.enter(candidate('ben'));
    expect(refusal(() => admission.enter(candidate('cid')))).toBe('ADDRESS_FULL 10000');
    expect(refusal(() => admission.enter(candidate('cid', '198.51.100.1')))).toBeUndefined();
    expect(displaced).toEqual([]);
  });

  it('or by closing the oldest one', () => {
    const admission = new Admission({ ...NO_LIMITS, maxPerUser: 2, isOldestOut: true }, ANY_NUMBER);
    const first = admission.enter(candidate('ann', '198.51.100.1'));
    for (const address of ['198.51.100.2', '198.51.100.3']) admission.enter(candidate('ann', address));
    expect(displaced).toEqual(['ann DISPLACED']);
    first.leave();
    admission.enter(candidate('ann'));
    expect(displaced).toEqual(['ann DISPLACED', 'ann DISPLACED']);
  });

  it('never closes anybody’s connection because the instance is full', () => {
    const admission = new Admission({ ...NO_LIMITS, maxConnections: 1, isOldestOut: true }, ANY_NUMBER, () => 0);
    admission.enter(candidate('ann'));
    expect(refusal(() => admission.enter(candidate('ben')))).toBe('INSTANCE_FULL 1000');
    expect(displaced).toEqual([]);
  });

  it('spreads the times to come back after', () => {
    const admission = new Admission({ ...NO_LIMITS, maxConnections: 0 }, ANY_NUMBER);
    const times = Array.from({ length: 100 }, () => refusal(() => admission.enter(candidate('ann'))));
    expect(new Set(times).size).toBeGreaterThan(50);
  });
});
