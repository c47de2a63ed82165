import { jest } from '@jest/globals';
import type { Ack, Message } from '#protocol';
import { DemoReader } from './demo-reader.js';

const message = (seq: number, channel = 'group:g'): Message => ({
  ...{ channel, seq, id: crypto.randomUUID(), sender: null, type: 't', data: {} },
  createdAt: '2006-06-01T11:22:00.000Z',
});

describe('Reader', () => {
  let handed: number[];
  let acks: Ack[];
  let reader: DemoReader;

  beforeEach(() => {
    jest.useFakeTimers();
    handed = [];
    acks = [];
    reader = new DemoReader({ onMessage: ({ seq }) => handed.push(seq), onGap: () => undefined });
    reader.attach((ack) => acks.push(ack));
  });
  afterEach(() => jest.useRealTimers());

  it('hands each message of a channel over once, although the wire repeats', () => {
    reader.take({ messages: [message(1), message(2)], ack: { 'group:g': 2 } });
    reader.attach((ack) => acks.push(ack));
    reader.take({ messages: [message(1), message(2), message(3), message(1, 'user:u')], ack: { 'group:g': 3 } });
    expect(handed).toEqual([1, 2, 3, 1]);
    expect(reader.repeats).toBe(2);
  });

  it('acknowledges many packets at once, each channel at its newest', () => {
    reader.take({ messages: [message(1)], ack: { 'group:g': 1, 'user:u': 7 } });
    reader.take({ messages: [message(2)], ack: { 'group:g': 2 } });
    expect(acks).toEqual([]);
    jest.advanceTimersByTime(100);
    expect(acks).toEqual([{ 'group:g': 2, 'user:u': 7 }]);
  });

  it('does not acknowledge on a new connection what came on the former', () => {
    reader.take({ messages: [message(1)], ack: { 'group:g': 1 } });
    reader.attach((ack) => acks.push(ack));
    jest.advanceTimersByTime(1_000);
    expect(acks).toEqual([]);
  });

  it('skips a gap and goes on behind it', () => {
    reader.skip({ channel: 'group:g', fromSeq: 1, toSeq: 4, reason: 'expired', ack: { 'group:g': 4 } });
    reader.take({ messages: [message(4), message(5)], ack: { 'group:g': 5 } });
    reader.flush();
    expect(handed).toEqual([5]);
    expect(acks).toEqual([{ 'group:g': 5 }]);
  });
});
