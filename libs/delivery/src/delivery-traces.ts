import type { StoredMessage } from '#message-persistence';
import type { TraceHeaders, TraceSpan, Tracing } from '#observability';
import { METADATA_MAX_KEYS } from '#protocol';
import type { AckTarget } from './acks/ack-target.js';
import type { Outgoing } from './outgoing.js';

/** Each instance traces at most this many deliveries of a message: in a large group the first ones tell enough. */
const DELIVERIES_MAX = 20;

interface TracedDelivery {
  readonly seq: number;
  readonly span: TraceSpan;
}

/** Records the steps of a message's way as spans; see "Traces" in docs/operations.md. */
export class DeliveryTraces {
  private readonly inFlight = new WeakMap<AckTarget, TracedDelivery[]>();
  private readonly deliveries = new WeakMap<StoredMessage, number>();

  constructor(readonly tracing: Tracing) {}

  /** Runs a publish under a span of its own, whose trace context travels in the metadata of the message. */
  async publish<Result extends { readonly id: string }>(
    request: Outgoing,
    headers: TraceHeaders | undefined,
    run: (request: Outgoing) => Promise<Result>,
  ): Promise<Result> {
    const span = this.tracing.publish(request.channel, request.metadata, headers);
    try {
      const result = await run(carrying(request, span.headers));
      span.end({ 'messaging.message.id': result.id });
      return result;
    } catch (error) {
      span.fail(error instanceof Error ? error.message : 'publish failed');
      throw error;
    }
  }

  /** Begins the span of a delivery, which lasts until the message is acknowledged or the attempt fails. */
  sent(subscription: AckTarget, stored: StoredMessage): void {
    const parent = this.tracing.contextOf(stored.metadata);
    if (!parent) return;
    const delivered = this.deliveries.get(stored) ?? 0;
    if (delivered >= DELIVERIES_MAX) return;
    this.deliveries.set(stored, delivered + 1);
    const { channel, connection, attempt } = subscription;
    const span = this.tracing.start('deliver', parent, {
      'messaging.destination.name': channel.name,
      'trunkline.seq': stored.seq,
      'trunkline.attempt': attempt,
      'trunkline.connection_id': connection.key.connectionId,
    });
    const known = this.inFlight.get(subscription);
    if (known) known.push({ seq: stored.seq, span });
    else this.inFlight.set(subscription, [{ seq: stored.seq, span }]);
  }

  /**
   * Ends the spans of deliveries up to a seq, and begins those of their acknowledgements.
   * @param saved resolves when what was acknowledged is stored; it is called only if something is traced
   */
  acknowledged(subscription: AckTarget, seq: number, saved: () => Promise<void>): void {
    const settled = this.take(subscription, seq);
    if (settled.length === 0) return;
    const acks = settled.map(({ seq: acked, span }) => {
      span.end({ 'trunkline.outcome': 'acknowledged' });
      return this.tracing.start('ack', span.context, { 'trunkline.seq': acked });
    });
    void saved().then(() => {
      for (const ack of acks) ack.end();
    });
  }

  failed(subscription: AckTarget, outcome: string): void {
    for (const { span } of this.take(subscription, Infinity)) span.fail(outcome);
  }

  private take(subscription: AckTarget, toSeq: number): readonly TracedDelivery[] {
    const all = this.inFlight.get(subscription);
    if (!all) return [];
    const left = all.filter(({ seq }) => seq > toSeq);
    if (left.length > 0) this.inFlight.set(subscription, left);
    else this.inFlight.delete(subscription);
    return all.filter(({ seq }) => seq <= toSeq);
  }
}

/** Replaces the publisher's own trace context by this one, or leaves it out if the metadata have no room for it. */
function carrying(request: Outgoing, headers: TraceHeaders | undefined): Outgoing {
  if (!headers?.traceparent) return request;
  const { traceparent: _parent, tracestate: _state, ...others } = request.metadata ?? {};
  const { traceparent, tracestate } = headers;
  const metadata = { ...others, traceparent, ...(tracestate === undefined ? {} : { tracestate }) };
  return Object.keys(metadata).length > METADATA_MAX_KEYS ? request : { ...request, metadata };
}
