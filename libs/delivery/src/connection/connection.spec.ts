import { jest } from '@jest/globals';
import type { Entry } from '#message-persistence';
import { ProtocolError } from '#protocol';
import { gap, messages, Reader } from '../../../../test/support/reader.js';
import { LiveChannel } from '../live/live-channel.js';
import type { Subscription } from './subscription.js';

let reader: Reader;
let a: Subscription;
let b: Subscription;

beforeEach(() => {
  reader = new Reader({ messages: 4, bytes: 1_000 });
  a = reader.subscribe(new LiveChannel('a'), 'live');
  b = reader.subscribe(new LiveChannel('b'), 'live');
});

describe('Connection', () => {
  it('sends what became due in one turn as one batch, with the acknowledgement to answer it by', () => {
    send(a, 1, 2);
    send(b, 1);
    expect(reader.flush()).toEqual(['a#1 a#2 b#1']);
    expect(reader.transport.packets.map(({ ack }) => ack)).toEqual([{ a: 2, b: 1 }]);
    expect(reader.flush()).toEqual([]);
  });

  it('keeps a gap in its place between the messages around it', () => {
    send(a, 1);
    a.take([gap(2, 3)], undefined, 0);
    send(a, 4);
    expect(reader.flush()).toEqual(['a#1', 'a#2-3 removed', 'a#4']);
  });

  it('takes nothing for expired by itself: what seems so is read again, and what was read is sent', () => {
    reader.clock.observe(1_000);
    const [lasting] = messages('a', [1], 10, 60_000) as [Entry];
    const [short] = messages('a', [2], 10, 500) as [Entry];
    a.take([lasting, short], undefined, 0);
    expect(a).toMatchObject({ state: 'lagging', sentSeq: 1 });
    expect(a.takePage([short], undefined, 0)).toBe(true);
    expect(reader.flush()).toEqual(['a#1 a#2']);
  });

  it('its clock is the database’s, and nobody who sets the clock of this machine moves it', () => {
    reader.clock.observe(5_000);
    const dateNow = jest.spyOn(Date, 'now').mockReturnValue(9e15);
    try {
      expect(reader.clock.now()).toBeLessThan(60_000);
    } finally {
      dateNow.mockRestore();
    }
  });

  it('notes what is acknowledged, and what of it is new', () => {
    send(a, 1, 2, 3);
    reader.connection.acknowledge({ a: 2 });
    reader.connection.acknowledge({ a: 1 });
    reader.connection.acknowledge({ a: 3 });
    expect(reader.acknowledged).toEqual([
      { channel: 'a', toSeq: 2, ranges: ['1-2'] },
      { channel: 'a', toSeq: 3, ranges: ['3-3'] },
    ]);
    expect(reader.connection.isBusy).toBe(false);
  });

  it.each<[string, Record<string, number>, string]>([
    ['a seq beyond what was sent', { b: 1, a: 3 }, 'ACK_BEYOND_SENT'],
    ['a channel it does not read', { b: 1, c: 1 }, 'NOT_SUBSCRIBED'],
    ['a name every object has', { b: 1, constructor: 1 }, 'NOT_SUBSCRIBED'],
  ])('refuses an acknowledgement with %s as a whole', (_, ack, errorName) => {
    send(a, 1, 2);
    send(b, 1);
    expect(() => reader.connection.acknowledge(ack)).toThrow(expect.objectContaining({ errorName }) as Error);
    expect(() => reader.connection.acknowledge(ack)).toThrow(ProtocolError);
    expect(reader.acknowledged).toEqual([]);
    expect(b.ackedSeq).toBe(0);
  });

  it('shares one window among its channels, and tells who lags when an acknowledgement makes room', () => {
    send(a, 1, 2);
    send(b, 1, 2);
    b.take(messages('b', [3]), undefined, 0);
    expect(b).toMatchObject({ state: 'lagging', sentSeq: 2 });
    expect(reader.roomFor.splice(0)).toEqual(['b']);
    reader.connection.acknowledge({ a: 2 });
    expect(reader.roomFor).toEqual(['b']);
    expect(b.takePage(messages('b', [3]), undefined, 0)).toBe(true);
  });

  it('passes over channels that it reads no more, as far as it was sent them', () => {
    send(a, 1, 2);
    send(b, 1);
    reader.connection.end(a, 'left');
    expect(() => reader.connection.acknowledge({ a: 3, b: 1 })).toThrow('a: sent up to 2, not 3');
    reader.connection.acknowledge({ a: 2, b: 1 });
    expect(reader.acknowledged).toEqual([{ channel: 'b', toSeq: 1, ranges: ['1-1'] }]);
    // The channel is read again, but the new subscription is still opening.
    const again = reader.subscribe(new LiveChannel('a'));
    reader.connection.acknowledge({ a: 2 });
    expect(again).toMatchObject({ ackedSeq: 0, sentSeq: 0 });
  });

  it('remembers as many of them as an ack may name', () => {
    for (let index = 0; index <= 1_000; index++) {
      reader.connection.end(reader.subscribe(new LiveChannel(`c${index}`), 'live', 1), 'left');
    }
    reader.connection.acknowledge({ c1: 1, c1000: 1 });
    expect(() => reader.connection.acknowledge({ c0: 1 })).toThrow('c0: not read on this connection');
  });

  it('reports a failed attempt with the range it tried, and has its room back', () => {
    send(a, 1, 2, 3, 4);
    reader.connection.acknowledge({ a: 1 });
    a.giveUp('too late');
    expect(reader.failed).toEqual([
      expect.objectContaining({
        channel: 'a',
        fromSeq: 2,
        toSeq: 4,
        attempt: 1,
        outcome: 'timeout',
        error: 'too late',
      }),
    ]);
    send(b, 1, 2, 3, 4);
    a.giveUp('nothing in flight');
    expect(reader.failed).toHaveLength(1);
  });

  it('passes a gap without an acknowledgement, once everything before it is acknowledged', () => {
    send(a, 1);
    a.take([gap(2, 3)], undefined, 0);
    expect(a.ackedSeq).toBe(0);
    reader.connection.acknowledge({ a: 1 });
    a.take([gap(4, 4)], undefined, 0);
    expect(reader.acknowledged).toEqual([
      { channel: 'a', toSeq: 3, ranges: ['1-1'] },
      { channel: 'a', toSeq: 4, ranges: [] },
    ]);
  });

  it('sends nothing once it is closed', () => {
    send(a, 1);
    reader.connection.close('gone');
    expect(reader.flush()).toEqual([]);
    expect(reader.connection.isBusy).toBe(false);
  });
});

function send(subscription: Subscription, ...seqs: number[]): void {
  subscription.take(messages(subscription.channel.name, seqs), undefined, 0);
  expect(subscription).toMatchObject({ state: 'live', sentSeq: seqs.at(-1) });
}
