import {
  context as active,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Span,
  type SpanContext,
} from '@opentelemetry/api';
import { readContext, sampledContextOf, writeContext, type TraceHeaders } from './trace-context.js';

/** Every span has one of these names, because dashboards rely on them. */
export type SpanName = 'publish' | 'append' | 'wake' | 'deliver' | 'ack';

const KINDS: Readonly<Record<SpanName, SpanKind>> = {
  publish: SpanKind.PRODUCER,
  append: SpanKind.CLIENT,
  wake: SpanKind.CLIENT,
  deliver: SpanKind.PRODUCER,
  ack: SpanKind.CONSUMER,
};
/** A span has at most this many links: a batch has hundreds of messages, and exporters cut longer lists anyway. */
const LINKS_MAX = 64;

/** One step on the way of a message, which {@link Tracing} begins and which lasts until it is ended. */
export class TraceSpan {
  constructor(private readonly span: Span) {}

  get context(): SpanContext {
    return this.span.spanContext();
  }

  /** These headers are handed on, so that the next step belongs to this one. */
  get headers(): TraceHeaders | undefined {
    return writeContext(this.context);
  }

  end(attributes: Attributes = {}): void {
    this.span.setAttributes(attributes);
    this.span.end();
  }

  /** @param reason says why it was refused or failed, without text of a client except what a protocol error repeats */
  fail(reason: string): void {
    this.span.setStatus({ code: SpanStatusCode.ERROR, message: reason });
    this.span.end();
  }
}

/**
 * Makes spans of OpenTelemetry; whoever runs the server brings the SDK that records them. This exists only if tracing
 * is on: otherwise the code that traces holds `undefined` and does nothing.
 */
export class Tracing {
  private readonly tracer = trace.getTracer('trunkline');

  /** Returns the trace that a message's metadata carry; undefined means that it has none that is recorded. */
  contextOf(metadata: string | null): SpanContext | undefined {
    return sampledContextOf(metadata);
  }

  /**
   * A publish belongs to the first of these that there is: the trace that its metadata name, what this process is doing
   * (the request, with an SDK that follows HTTP), the trace of the request's headers. Otherwise it begins one.
   */
  publish(channel: string, metadata: TraceHeaders | undefined, headers: TraceHeaders | undefined): TraceSpan {
    const named = metadata && readContext(metadata);
    const parent = named ?? trace.getSpanContext(active.active()) ?? (headers && readContext(headers));
    return this.start('publish', parent, { 'messaging.destination.name': channel });
  }

  start(name: SpanName, parent: SpanContext | undefined, attributes: Attributes): TraceSpan {
    return this.begin(name, under(parent), attributes, []);
  }

  /**
   * Starts a span for work on many messages at once, under the first one that is traced and linked to the others;
   * undefined means that none is traced.
   */
  startBatch(name: SpanName, contexts: Iterable<SpanContext | undefined>, size: number): TraceSpan | undefined {
    const [first, ...others] = [...contexts].filter((context) => context !== undefined);
    if (!first) return undefined;
    return this.begin(name, under(first), { 'messaging.batch.message_count': size }, others.slice(0, LINKS_MAX));
  }

  private begin(name: SpanName, parent: Context, attributes: Attributes, linked: readonly SpanContext[]): TraceSpan {
    const options = {
      kind: KINDS[name],
      attributes: { 'messaging.system': 'trunkline', 'messaging.operation.name': name, ...attributes },
      links: linked.map((context) => ({ context })),
    };
    return new TraceSpan(this.tracer.startSpan(`trunkline.${name}`, options, parent));
  }
}

function under(parent: SpanContext | undefined): Context {
  return parent ? trace.setSpanContext(ROOT_CONTEXT, parent) : ROOT_CONTEXT;
}
