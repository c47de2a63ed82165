import type { ClientTransport } from '#delivery';
import { toStored, type Entry } from '#message-persistence';
import { NO_METER } from '#observability';
import type { EventPayload, ProtocolError } from '#protocol';
import type { AckBuffer } from '../../libs/delivery/src/acks/ack-buffer.js';
import { Connection } from '../../libs/delivery/src/connection/connection.js';
import { MessageBatch } from '../../libs/delivery/src/connection/message-batch.js';
import { Subscription } from '../../libs/delivery/src/connection/subscription.js';
import { DatabaseClock } from '../../libs/delivery/src/database-clock.js';
import { DeliveryMetrics } from '../../libs/delivery/src/delivery-metrics.js';
import type { DeliveryTraces } from '../../libs/delivery/src/delivery-traces.js';
import type { LiveChannel } from '../../libs/delivery/src/live/live-channel.js';

export interface ReaderOptions {
  readonly messages?: number;
  readonly bytes?: number;
  readonly acks?: AckBuffer;
  readonly deviceId?: string;
  readonly traces?: DeliveryTraces;
}

/** A connection whose transport and context record what they are told. */
export class Reader {
  readonly transport = new RecordingTransport();
  readonly clock = new DatabaseClock();
  readonly acknowledged: { channel: string; toSeq: number; ranges: string[] }[] = [];
  readonly failed: {
    channel: string;
    fromSeq: number;
    toSeq: number;
    attempt: number;
    outcome: string;
    error: string | null;
  }[] = [];
  /** The subscriptions that were told that there may be room. */
  readonly roomFor: string[] = [];
  readonly connection: Connection;
  private root = MessageBatch.root();

  constructor({ messages = 100, bytes = 10_000, acks, deviceId = 'phone', traces }: ReaderOptions = {}) {
    this.connection = new Connection({ connectionId: `c-${deviceId}`, user: 'ada', deviceId }, this.transport, {
      clock: this.clock,
      acks: acks ?? this.recordingAcks(),
      windowLimits: { messages, bytes },
      metrics: new DeliveryMetrics(NO_METER),
      traces,
      root: () => this.root,
      onSend: () => undefined,
      onBusy: () => undefined,
      onRoom: ({ channel }) => this.roomFor.push(channel.name),
    });
  }

  subscribe(
    channel: LiveChannel,
    state: 'opening' | 'lagging' | 'live' = 'opening',
    seq = 0,
    isDurable = true,
  ): Subscription {
    const subscription = new Subscription(this.connection, channel, isDurable);
    channel.attach(subscription);
    this.connection.add(subscription);
    if (state !== 'opening') subscription.start({ seq, lastSeq: seq, lastAt: undefined });
    if (state === 'live') subscription.goLive();
    return subscription;
  }

  /** Sends what is due and says what was sent: `a#1` is a message, `a#2-4 expired` a gap. */
  flush(): string[] {
    this.root = MessageBatch.root();
    this.connection.flush();
    return this.transport.said.splice(0);
  }

  private recordingAcks(): AckBuffer {
    const acks: Pick<AckBuffer, 'acknowledge' | 'note'> = {
      acknowledge: ({ channel }, toSeq, ranges) =>
        this.acknowledged.push({
          channel: channel.name,
          toSeq,
          ranges: ranges.map((run) => `${run.fromSeq}-${run.toSeq}`),
        }),
      note: ({ channel, attempt }, { fromSeq, toSeq }, outcome, error) => {
        if (outcome !== 'sent') this.failed.push({ channel: channel.name, fromSeq, toSeq, attempt, outcome, error });
      },
    };
    return acks as AckBuffer;
  }
}

class RecordingTransport implements ClientTransport {
  readonly said: string[] = [];
  readonly packets: EventPayload<'messages'>[] = [];
  closedWith: ProtocolError | undefined;
  bufferedBytes = 0;

  ready(): void {
    this.said.push('ready');
  }

  messages(batch: MessageBatch): void {
    const payload = JSON.parse(batch.toJson()) as EventPayload<'messages'>;
    this.packets.push(payload);
    this.said.push(payload.messages.map(({ channel, seq }) => `${channel}#${seq}`).join(' '));
  }

  gap({ channel, fromSeq, toSeq, reason }: EventPayload<'gap'>): void {
    this.said.push(`${channel}#${fromSeq}-${toSeq} ${reason}`);
  }

  membership({ channel, state }: EventPayload<'membership'>): void {
    this.said.push(`${state} ${channel}`);
  }

  close(error: ProtocolError): void {
    this.closedWith = error;
  }
}

/** Makes messages of a channel, `bytes` long each. */
export function messages(channel: string, seqs: readonly number[], bytes = 10, expiresAtMs?: number): Entry[] {
  const id = '00000000-0000-7000-8000-000000000000';
  return seqs.map((seq) => {
    const stored = toStored({
      ...{ channel, seq, id, sender: null, type: 't', body: String(seq), metadata: null, controls: null },
      ...{ createdAtMs: 0, expiresAtMs },
    });
    return { kind: 'message', seq, stored: { ...stored, bytes } };
  });
}

export function gap(fromSeq: number, seq: number, reason: 'expired' | 'removed' = 'removed'): Entry {
  return { kind: 'gap', fromSeq, seq, reason };
}
