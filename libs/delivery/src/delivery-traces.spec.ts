import { trace } from '@opentelemetry/api';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { toStored, type Entry } from '#message-persistence';
import { Tracing } from '#observability';
import { Reader } from '../../../test/support/reader.js';
import type { Connection } from './connection/connection.js';
import { DeliveryTraces } from './delivery-traces.js';
import { LiveChannel } from './live/live-channel.js';
import type { Subscription } from './connection/subscription.js';

const exporter = new InMemorySpanExporter();
const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

let traces: DeliveryTraces;
let saved: (() => void)[];

beforeAll(() => {
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
});
afterAll(() => trace.disable());
beforeEach(() => {
  exporter.reset();
  traces = new DeliveryTraces(new Tracing());
  saved = [];
});

describe('The spans of a delivery', () => {
  it('end with its acknowledgement, and that when it is stored', async () => {
    const { connection, subscription } = reader();
    subscription.take([message(1)], undefined, 0);
    expect(ended()).toEqual([]);
    connection.acknowledge({ a: 1 });
    expect(ended()).toEqual(['deliver 1']);
    for (const resolve of saved) resolve();
    await Promise.resolve();
    expect(ended()).toEqual(['deliver 1', 'ack 1']);
  });

  it('say that it failed, and begin anew with the next attempt', () => {
    const { connection, subscription } = reader();
    subscription.take([message(1)], undefined, 0);
    subscription.retry('too late', 0);
    subscription.takePage([message(1)], undefined, 0);
    connection.close('gone');
    expect(
      exporter.getFinishedSpans().map(({ status, attributes }) => [status.message, attributes['trunkline.attempt']]),
    ).toEqual([
      ['timeout', 1],
      ['disconnected', 2],
    ]);
  });

  it('are of the first twenty readers on an instance', () => {
    const entry = message(1);
    for (let index = 0; index < 30; index++) {
      const { connection, subscription } = reader();
      subscription.take([entry], undefined, 0);
      connection.acknowledge({ a: 1 });
    }
    expect(ended()).toHaveLength(20);
  });

  it('are none for a message without a trace', () => {
    const { connection, subscription } = reader();
    subscription.take([message(1, null)], undefined, 0);
    connection.acknowledge({ a: 1 });
    expect([ended(), saved]).toEqual([[], []]);
  });
});

function reader(): { connection: Connection; subscription: Subscription } {
  const acks = {
    acknowledge: () => undefined,
    note: () => undefined,
    saved: () => new Promise<void>((resolve) => saved.push(resolve)),
  };
  const made = new Reader({ traces, acks: acks as never });
  return { connection: made.connection, subscription: made.subscribe(new LiveChannel('a'), 'live') };
}

function message(seq: number, metadata: string | null = JSON.stringify({ traceparent })): Entry {
  const about = { channel: 'a', seq, id: 'id', sender: null, type: 'x', body: '1', controls: null };
  return { kind: 'message', seq, stored: toStored({ ...about, metadata, createdAtMs: 0, expiresAtMs: undefined }) };
}

function ended(): string[] {
  return exporter
    .getFinishedSpans()
    .map(({ name, attributes }) => `${name.slice('trunkline.'.length)} ${Number(attributes['trunkline.seq'])}`);
}
