import type { Count, Counts, Histogram, Meter } from '#observability';
import type { ErrorName, GapReason } from '#protocol';

/** The result of a publish that reached the log; a failure has the name of the error that the client sees. */
export type PublishResult = 'stored' | 'repeated' | 'scheduled' | ErrorName;

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const READS = [1, 2, 3, 5, 10, 20, 50];
/** These results are shown from the start, others when they first happen. */
const RESULTS: readonly PublishResult[] = [
  ...(['stored', 'repeated', 'scheduled', 'PUBLISH_ID_REUSED', 'BAD_REQUEST'] as const),
  ...(['UNAVAILABLE', 'OUTCOME_UNKNOWN', 'OVERLOADED', 'INTERNAL'] as const),
];
const REASONS: readonly GapReason[] = ['expired', 'removed', 'cancelled', 'collapsed', 'withheld', 'taken', 'dead'];
/** One publish in this many is timed. */
const SAMPLED = 16;

/** Values that are not counted as they change, but read whenever metrics are asked for. */
export interface DeliveryState {
  readonly waiting: number;
  readonly liveChannels: number;
  readonly inFlight: number;
  readonly lagging: number;
}

export class DeliveryMetrics {
  readonly isOn: boolean;
  readonly publishes: Counts<PublishResult>;
  readonly deliveries: Count;
  readonly acks: Count;
  readonly skipped: Counts<GapReason>;
  readonly retries: Count;
  readonly deadLetters: Count;
  readonly outbox: Count;
  readonly wakes: Count;
  readonly hintsSent: Count;
  readonly hintsReceived: Count;
  readonly late: Count;
  readonly publishToCommit: Histogram;
  readonly publishToDeliver: Histogram;
  readonly commitToAck: Histogram;
  readonly readsPerWake: Histogram;
  private published = 0;

  constructor(meter: Meter) {
    this.isOn = meter.isOn;
    const count = (name: string, help: string): Count => meter.counter({ name: `trunkline_${name}_total`, help });
    this.publishes = meter.counters(
      {
        name: 'trunkline_publishes_total',
        help: 'Publishes that passed the checks of rights and shape, by result: stored, repeated (its publish id was stored before), scheduled, or the fault',
        label: 'result',
      },
      RESULTS,
    );
    this.deliveries = count('deliveries', 'Messages handed to connections, repeats included');
    this.acks = count('acks', 'Messages that connections acknowledged');
    this.skipped = meter.counters(
      {
        name: 'trunkline_skipped_messages_total',
        help: 'Messages that connections passed over, by why: expired, cancelled, collapsed, withheld, taken by another device, removed, dead',
        label: 'reason',
      },
      REASONS,
    );
    this.retries = count('retries', 'Deliveries repeated because no acknowledgement came in time');
    this.deadLetters = count('dead_letters', 'Messages given up for a device');
    this.outbox = count(
      'outbox_messages',
      'Messages moved into their channels: published from SQL, scheduled, receipts',
    );
    this.wakes = count('wakes', 'Statements that told other instances of new messages');
    this.hintsSent = count('hints_sent', 'NOTIFYs sent to other instances');
    this.hintsReceived = count('hints_received', 'NOTIFYs received, whoever sent them');
    this.late = count('late_messages', 'Messages that a poll found and no hint had told of');
    const time = (name: string, help: string): Histogram =>
      meter.histogram({ name: `trunkline_${name}_seconds`, help }, SECONDS);
    this.publishToCommit = time('publish_to_commit', `Publish received to stored, of one publish in ${SAMPLED}`);
    this.publishToDeliver = time(
      'publish_to_deliver',
      `Publish to handed to readers that are live: of one publish in ${SAMPLED} on the instance that took it, by its clock; of one message in each read elsewhere, since it was numbered by the database`,
    );
    this.commitToAck = time(
      'commit_to_ack',
      'Stored to acknowledged by a reader that is live, of one message at a time for each connection and channel',
    );
    this.readsPerWake = meter.histogram(
      { name: 'trunkline_wake_reads', help: 'Reads of a channel that one hint, or hints that came together, led to' },
      READS,
    );
  }

  /** Returns performance.now() if this publish is to be timed, otherwise undefined. */
  sampleStart(): number | undefined {
    return this.isOn && this.published++ % SAMPLED === 0 ? performance.now() : undefined;
  }
}

export function showState(meter: Meter, read: () => DeliveryState): void {
  const gauge = (name: string, help: string, pick: (state: DeliveryState) => number): void =>
    meter.gauge({ name: `trunkline_${name}`, help }, () => pick(read()));
  gauge('waiting_publishes', 'Publishes waiting for a commit', ({ waiting }) => waiting);
  gauge('live_channels', 'Channels that connections of this instance read', ({ liveChannels }) => liveChannels);
  gauge('pending_messages', 'Messages sent and not yet acknowledged', ({ inFlight }) => inFlight);
  gauge(
    'lagging_connections',
    'Connections that read pages from the table, because they are behind in a channel',
    ({ lagging }) => lagging,
  );
}
