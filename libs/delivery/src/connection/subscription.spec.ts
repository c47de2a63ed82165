import type { Entry } from '#message-persistence';
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
    subscription.take([...entries(11), ...entries(11)], undefined, 0);
    expect(subscription.state).toBe('live');
    subscription.take(entries(13), undefined, 0);
    expect(subscription).toMatchObject({ state: 'lagging', sentSeq: 11 });
    expect(subscription.takePage([gap(13, 14)], undefined, 0)).toBe(false);
    expect(subscription.takePage(entries(12), undefined, 0)).toBe(true);
    expect(reader.flush()).toEqual(['a#11 a#12']);
  });

  it('takes a gap for the seqs it stands for, also one that begins before its position', () => {
    subscription.take([gap(9, 14), ...entries(15)], undefined, 0);
    expect(subscription).toMatchObject({ state: 'live', ackedSeq: 14, sentSeq: 15, highestSeq: 15 });
    expect(reader.connection.window.size).toBe(1);
  });

  it('refuses when the window is full, and is where it was', () => {
    subscription.take(entries(11, 12, 13, 14), undefined, 0);
    expect(subscription).toMatchObject({ state: 'lagging', sentSeq: 13 });
    expect(reader.roomFor).toEqual(['a']);
  });

  it('goes back to what is acknowledged for another attempt, but remembers how far it ever sent', () => {
    subscription.take(entries(11, 12, 13), undefined, 0);
    reader.connection.acknowledge({ a: 11 });
    subscription.retry('late', 0);
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
    subscription.take(entries(11, 12, 13), undefined, 0);
    subscription.retry('late', 0);
    expect(subscription.isRepeating).toBe(true);
    subscription.passRepeated(deviceSeq);
    expect(subscription).toMatchObject({ isRepeating: false, highestSeq: 13, ...expected });
  });
});

function entries(...seqs: number[]): Entry[] {
  return messages('a', seqs);
}
