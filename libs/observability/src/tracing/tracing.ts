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

/** The name of the spans is one of these: a dashboard counts on them. */
export type SpanName = 'publish' | 'append' | 'wake' | 'deliver' | 'ack';

const KINDS: Readonly<Record<SpanName, SpanKind>> = {
  publish: SpanKind.PRODUCER,
  append: SpanKind.CLIENT,
  wake: SpanKind.CLIENT,
  deliver: SpanKind.PRODUCER,
  ack: SpanKind.CONSUMER,
};
/** A batch has hundreds of messages; exporters cut longer lists anyway. */
const LINKS_MAX = 64;

/** One step of a message's way, from {@link Tracing} until it is ended. */
export class TraceSpan {
  constructor(private readonly span: Span) {}

  get context(): SpanContext {
    return this.span.spanContext();
  }

  /** What is handed on, so that the next step belongs to this one. */
  get headers(): TraceHeaders | undefined {
    return writeContext(this.context);
  }

  end(attributes: Attributes = {}): void {
    this.span.setAttributes(attributes);
    this.span.end();
  }

  /** @param reason of a refusal or failure; no client text but what a fault repeats */
  fail(reason: string): void {
    this.span.setStatus({ code: SpanStatusCode.ERROR, message: reason });
    this.span.end();
  }
}

/**
 * Spans of OpenTelemetry; who runs the server brings the SDK that records them. Exists only if tracing is switched on:
 * everybody else has `undefined` and asks for nothing.
 */
export class Tracing {
  private readonly tracer = trace.getTracer('trunkline');

  /** The trace that a message's metadata carry, if it is recorded. */
  contextOf(metadata: string | null): SpanContext | undefined {
    return sampledContextOf(metadata);
  }

  /**
   * A publish belongs to the trace that its metadata name, else to what this process is doing (the request, with an SDK
   * that follows HTTP), else to the trace of the request's headers; else it begins one.
   */
  publish(channel: string, metadata: TraceHeaders | undefined, headers: TraceHeaders | undefined): TraceSpan {
    const named = metadata && readContext(metadata);
    const parent = named ?? trace.getSpanContext(active.active()) ?? (headers && readContext(headers));
    return this.start('publish', parent, { 'messaging.destination.name': channel });
  }

  start(name: SpanName, parent: SpanContext | undefined, attributes: Attributes): TraceSpan {
    return this.begin(name, under(parent), attributes, []);
  }

  /** Work for many messages at once: under the first one that is traced, linked to the others. Undefined if none is. */
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
