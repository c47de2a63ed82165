import { gap, messages, Reader } from '../../../../test/support/reader.js';
import { LiveChannel } from '../live/live-channel.js';
import type { Subscription } from './subscription.js';

let reader: Reader;
let subscription: Subscription;

beforeEach(() => {
  reader = new Reader({ messages: 3 });
  subscription = reader.subscribe(new LiveChannel('a'), 'live', 10);
});

describe('Subscription', () => {
  it('sends on the next seq, passes over what it has sent, and refuses what would leave a hole', () => {
    expect(push(11)).toBe(true);
    expect(push(11)).toBe(true);
    expect(push(13)).toBe(false);
    expect(subscription.push(gap(13, 14), 0)).toBe(false);
    expect(push(12)).toBe(true);
    expect(reader.flush()).toEqual(['a#11 a#12']);
  });

  it('takes a gap for the seqs it stands for, also one that begins before its position', () => {
    expect(subscription.push(gap(9, 14), 0)).toBe(true);
    expect(push(15)).toBe(true);
    expect(subscription).toMatchObject({ sentSeq: 15, highestSeq: 15 });
    expect(subscription.inFlight.size).toBe(1);
  });

  it('refuses when the window is full, and is where it was', () => {
    for (const seq of [11, 12, 13]) push(seq);
    expect(push(14)).toBe(false);
    expect(subscription.sentSeq).toBe(13);
  });

  it('goes back to what is acknowledged for another attempt, but remembers how far it ever sent', () => {
    for (const seq of [11, 12, 13]) push(seq);
    reader.connection.acknowledge({ a: 11 });
    subscription.rewind();
    expect(subscription).toMatchObject({ sentSeq: 11, ackedSeq: 11, highestSeq: 13, attempt: 2 });
    // The acknowledgement of the first attempt comes late.
    reader.connection.acknowledge({ a: 13 });
    expect(subscription).toMatchObject({ sentSeq: 13, ackedSeq: 13, attempt: 1 });
  });

  it.each([
    ['what another connection of the device acknowledged', 12, { ackedSeq: 12, sentSeq: 12, attempt: 1 }],
    ['only what it was sent itself, however far the device is', 20, { ackedSeq: 13, sentSeq: 13, attempt: 1 }],
    ['nothing if nobody acknowledged', 10, { ackedSeq: 10, sentSeq: 10, attempt: 2 }],
  ])('passes over %s instead of repeating it', (_, deviceSeq, expected) => {
    for (const seq of [11, 12, 13]) push(seq);
    reader.connection.failAttempt(subscription, 'timeout', 'late');
    subscription.rewind();
    expect(subscription.isRepeating).toBe(true);
    subscription.passRepeated(deviceSeq);
    expect(subscription).toMatchObject({ isRepeating: false, highestSeq: 13, ...expected });
  });
});

function push(seq: number): boolean {
  return messages('a', [seq]).every((entry) => subscription.push(entry, 0));
}
