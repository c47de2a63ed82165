import { NO_METER } from '#observability';
import { messages, Reader } from '../../../../test/support/reader.js';
import { Redelivery } from './redelivery.js';
import { DeliveryMetrics } from '../delivery-metrics.js';
import { LiveChannel } from '../live/live-channel.js';
import type { Subscription } from './subscription.js';

let reader: Reader;
let subscription: Subscription;
let caughtUp: Subscription[];
let redelivery: Redelivery;

beforeEach(() => {
  reader = new Reader();
  subscription = reader.subscribe(new LiveChannel('a'), 'lagging');
  expect(subscription.channel.admit(subscription)).toBe('live');
  caughtUp = [];
  redelivery = new Redelivery({
    onError: (error) => {
      throw error;
    },
    ackTimeoutMs: 1_000,
    maxAttempts: 3,
    metrics: new DeliveryMetrics(NO_METER),
    catchUp: (lagging) => caughtUp.push(lagging),
  });
  redelivery.watch(reader.connection);
});

describe('Redelivery', () => {
  it('leaves a delivery alone until its time is up', () => {
    send(0, 1, 2);
    redelivery.sweep(1_000);
    expect(reader.failed).toEqual([]);
    expect(subscription.state).toBe('live');
  });

  it('records the failure then, and lets the subscription read the range again after a pause', () => {
    send(0, 1, 2);
    redelivery.sweep(1_001);
    expect(reader.failed).toEqual([expect.objectContaining({ fromSeq: 1, toSeq: 2, attempt: 1, outcome: 'timeout' })]);
    expect(subscription).toMatchObject({ state: 'lagging', sentSeq: 0, attempt: 2 });
    expect([subscription.mayRead(1_002), subscription.mayRead(2_001)]).toEqual([false, true]);
    expect(caughtUp).toContain(subscription);
    expect(subscription.channel.isAsleep).toBe(true);
  });

  it('counts the time from the last sign of progress, so that a slow but steady client keeps its connection', () => {
    send(0, 1, 2, 3);
    reader.connection.acknowledge({ a: 1 });
    redelivery.sweep(reader.connection.ackedAtMs + 999);
    expect(reader.failed).toEqual([]);
  });

  it('repeats nothing while the client acknowledges another channel, and what it left out in the quiet behind it', () => {
    const other = reader.subscribe(new LiveChannel('b'), 'live');
    send(0, 1);
    other.take(messages('b', [1]), undefined, 0);
    reader.connection.acknowledge({ b: 1 });
    redelivery.sweep(reader.connection.ackedAtMs + 999);
    expect(reader.failed).toEqual([]);
    redelivery.sweep(reader.connection.ackedAtMs + 1_001);
    expect(reader.failed).toEqual([expect.objectContaining({ channel: 'a', fromSeq: 1, toSeq: 1 })]);
  });

  it('closes the connection after the last attempt, as retryable: the messages stay stored', () => {
    for (const nowMs of [2_000, 4_000, 6_000]) {
      expect(reader.transport.closedWith).toBeUndefined();
      send(nowMs - 2_000, 1);
      redelivery.sweep(nowMs);
    }
    expect(reader.failed.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
    expect(reader.transport.closedWith).toMatchObject({ errorName: 'NOT_ACKNOWLEDGING', retryable: true });
  });

  it('begins to count anew after an acknowledgement', () => {
    send(0, 1);
    redelivery.sweep(2_000);
    expect(subscription.attempt).toBe(2);
    send(2_000, 1);
    reader.connection.acknowledge({ a: 1 });
    expect(subscription.attempt).toBe(1);
  });

  it('forgets a connection that has nothing in flight, until it is told of it again', () => {
    redelivery.sweep(0);
    send(0, 1);
    redelivery.sweep(5_000);
    expect(reader.failed).toEqual([]);
    redelivery.watch(reader.connection);
    redelivery.sweep(5_000);
    expect(reader.failed).toHaveLength(1);
  });
});

function send(nowMs: number, ...seqs: number[]): void {
  if (subscription.isLive) subscription.take(messages('a', seqs), undefined, nowMs);
  else subscription.takePage(messages('a', seqs), undefined, nowMs);
  expect(subscription.sentSeq).toBe(seqs.at(-1));
}
