import { gap, messages, Reader } from '../../../../test/support/reader.js';
import { LiveChannel } from './live-channel.js';

let channel: LiveChannel;

beforeEach(() => {
  channel = new LiveChannel('a');
});

describe('LiveChannel', () => {
  it('takes the position of the first subscription that is live, and hands on what continues it', () => {
    const { reader } = live(5);
    expect(channel.position).toBe(5);
    expect(channel.advance(messages('a', [6, 7]), 7, undefined, 0)).toBe(true);
    expect(channel.position).toBe(7);
    expect(reader.flush()).toEqual(['a#6 a#7']);
  });

  it('hands everyone live the same, each from its own position on', () => {
    const ahead = live(3).reader;
    const other = live(3, 'laptop').reader;
    channel.advance(messages('a', [4]), 4, undefined, 0);
    channel.advance(messages('a', [3, 4, 5]), 5, undefined, 0);
    expect(ahead.flush()).toEqual(['a#4 a#5']);
    expect(other.flush()).toEqual(['a#4 a#5']);
  });

  it('refuses entries that leave a hole, and sends nothing of them', () => {
    const { reader } = live(5);
    expect(channel.advance(messages('a', [7]), 7, undefined, 0)).toBe(false);
    expect(channel.advance([gap(7, 9)], 9, undefined, 0)).toBe(false);
    expect(channel.position).toBe(5);
    expect(reader.flush()).toEqual([]);
    expect(channel.advance([gap(6, 9), ...messages('a', [10])], 10, undefined, 0)).toBe(true);
    expect(reader.flush()).toEqual(['a#6-9 removed', 'a#10']);
  });

  it('passes over what is behind its position', () => {
    const { reader } = live(5);
    expect(channel.advance(messages('a', [4, 5]), 5, undefined, 0)).toBe(true);
    expect(channel.position).toBe(5);
    expect(reader.flush()).toEqual([]);
  });

  it('drops who has no room from live pushing, tells it to read on by itself, and goes on with the others', () => {
    const slow = live(0, 'slow', 2);
    const quick = live(0, 'quick');
    channel.advance(messages('a', [1, 2, 3]), 3, undefined, 0);
    expect(slow.subscription).toMatchObject({ state: 'lagging', sentSeq: 2 });
    expect(slow.reader.roomFor).toEqual(['a']);
    expect(slow.reader.flush()).toEqual(['a#1 a#2']);
    expect(quick.reader.flush()).toEqual(['a#1 a#2 a#3']);
    channel.advance(messages('a', [4]), 4, undefined, 0);
    expect(slow.reader.flush()).toEqual([]);
  });

  it('sleeps once nobody is live', () => {
    const { subscription } = live(0, 'slow', 1);
    channel.advance(messages('a', [1, 2]), 2, undefined, 0);
    expect(subscription.state).toBe('lagging');
    expect(channel).toMatchObject({ isAsleep: true, position: undefined });
  });

  it('admits who has caught up, and not who is still behind it', () => {
    live(5);
    const late = new Reader({ deviceId: 'late' }).subscribe(channel, 'lagging', 4);
    expect(channel.admit(late)).toBe('behind');
    expect(late.state).toBe('lagging');
    expect(late.takePage(messages('a', [5]), undefined, 0)).toBe(true);
    expect(channel.admit(late)).toBe('live');
    expect(late.state).toBe('live');
  });

  it('tells who wakes it of a hint that came while it slept, once', () => {
    channel.noteHint();
    const first = new Reader().subscribe(channel, 'lagging', 4);
    expect(channel.admit(first)).toBe('unread');
    expect(first.state).toBe('live');
    first.close('left');
    channel.detach(first);
    const second = new Reader({ deviceId: 'second' }).subscribe(channel, 'lagging', 4);
    expect(channel.admit(second)).toBe('live');
  });

  it('asks for nothing but its epoch while it sleeps', () => {
    expect(channel.request).toMatchObject({ channel: 'a', fromSeq: Number.MAX_SAFE_INTEGER });
    live(5);
    expect(channel.request).toMatchObject({ fromSeq: 5 });
  });
});

function live(seq: number, deviceId = 'phone', windowMessages = 100) {
  const reader = new Reader({ deviceId, messages: windowMessages });
  const subscription = reader.subscribe(channel, 'lagging', seq);
  expect(channel.admit(subscription)).not.toBe('behind');
  return { reader, subscription };
}
