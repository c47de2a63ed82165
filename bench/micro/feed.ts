import { NO_METER } from '#observability';
import { toStored, type StoredMessage } from '#message-persistence';
import type { ClientTransport } from '../../libs/delivery/src/connection/client-transport.port.js';
import { Connection, type ConnectionContext } from '../../libs/delivery/src/connection/connection.js';
import { MessageBatch } from '../../libs/delivery/src/connection/message-batch.js';
import { Subscription } from '../../libs/delivery/src/connection/subscription.js';
import { DatabaseClock } from '../../libs/delivery/src/database-clock.js';
import { DeliveryMetrics } from '../../libs/delivery/src/delivery-metrics.js';
import { Feed, type FeedOptions } from '../../libs/delivery/src/live/feed.js';
import { makeBody } from '../load/body.js';
import { timesPerSecond, type Micro } from './micro.js';

const nothing = (): void => undefined;
const ACK_EVERY = 50;
const metrics = new DeliveryMetrics(NO_METER);
const CHANNEL = 'group:bench';

/**
 * Measures the way from a message that this instance has stored to the message batches of its readers, and their
 * acknowledgements.
 */
export async function feedMicro(): Promise<Micro> {
  return {
    name: 'feed',
    unit: 'deliveries/s',
    contestants: {
      'one reader': (seconds) => deliveriesPerSecond(seconds, 1),
      '500 readers': (seconds) => deliveriesPerSecond(seconds, 500),
    },
    close: async () => undefined,
  };
}

async function deliveriesPerSecond(seconds: number, readers: number): Promise<number> {
  const clock = new DatabaseClock();
  const options = { clock, onRoute: nothing, onEpoch: nothing, onError: nothing, metrics } as unknown as FeedOptions;
  const feed = new Feed(options);
  let delivered = 0;
  const transport = {
    messages: (batch: MessageBatch) => {
      batch.encodeOnce((encoded) => encoded.toJson());
      delivered += 1;
    },
    gap: nothing,
    bufferedBytes: 0,
  } as unknown as ClientTransport;
  let root = MessageBatch.root();
  const context = contextOf(clock, () => root);
  const connections = Array.from({ length: readers }, (_, reader) => connect(feed, context, transport, reader));
  let offered = 0;
  const perSecond = await timesPerSecond(seconds, () => {
    const seq = ++offered;
    feed.offer(CHANNEL, () => stored(seq), new Date(seq));
    root = MessageBatch.root();
    for (const connection of connections) {
      connection.flush();
      if (seq % ACK_EVERY === 0) connection.acknowledge({ [CHANNEL]: seq });
    }
  });
  if (delivered !== offered * readers) throw new Error(`delivered ${delivered} of ${offered * readers}`);
  return perSecond * readers;
}

function contextOf(clock: DatabaseClock, root: () => MessageBatch): ConnectionContext {
  return {
    clock,
    acks: { acknowledge: nothing, note: nothing },
    windowLimits: { messages: 256, bytes: 262_144 },
    root,
    onSend: nothing,
    onBusy: nothing,
    onRoom: nothing,
    metrics,
  } as unknown as ConnectionContext;
}

/** Connects a live reader whose transport drops what it is given. */
function connect(feed: Feed, context: ConnectionContext, transport: ClientTransport, reader: number): Connection {
  const connection = new Connection(
    { connectionId: `c${reader}`, user: `u${reader}`, deviceId: 'bench' },
    transport,
    context,
  );
  const channel = feed.channel(CHANNEL);
  const subscription = new Subscription(connection, channel, true);
  connection.add(subscription);
  channel.attach(subscription);
  subscription.start({ seq: 0, lastSeq: 0, lastAt: undefined });
  channel.admit(subscription);
  return connection;
}

function stored(seq: number): StoredMessage {
  return toStored({
    channel: CHANNEL,
    seq,
    id: '00000000-0000-7000-8000-000000000000',
    sender: 'bench',
    type: 'bench',
    body: JSON.stringify(makeBody(1, seq, 0)),
    metadata: null,
    controls: null,
    createdAtMs: seq,
    expiresAtMs: undefined,
  });
}
