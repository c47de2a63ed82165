import { createTraceState, isSpanContextValid, TraceFlags, type SpanContext } from '@opentelemetry/api';

/** W3C trace context (https://www.w3.org/TR/trace-context/), as headers of HTTP or as entries of a message's metadata. */
export interface TraceHeaders {
  readonly traceparent?: string | undefined;
  readonly tracestate?: string | undefined;
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
/** Later versions may say more at the end; version ff will never be one. */
const FORBIDDEN_VERSION = 'ff';
/** What the standard asks everybody to carry. */
const TRACESTATE_MAX = 512;

/** Undefined for whatever is no trace context: a trace is never a reason to refuse a message. */
export function readContext({ traceparent, tracestate }: TraceHeaders): SpanContext | undefined {
  const [, version, traceId = '', spanId = '', flags = '', more] = TRACEPARENT.exec(traceparent ?? '') ?? [];
  if (version === FORBIDDEN_VERSION || (version === '00' && more !== undefined)) return undefined;
  const context: SpanContext = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
  if (!isSpanContextValid(context)) return undefined;
  if (!tracestate || tracestate.length > TRACESTATE_MAX) return context;
  return { ...context, traceState: createTraceState(tracestate) };
}

/** Undefined without a trace: nobody has brought an SDK. */
export function writeContext(context: SpanContext): TraceHeaders | undefined {
  if (!isSpanContextValid(context)) return undefined;
  const { traceId, spanId, traceFlags, traceState } = context;
  const traceparent = `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
  const tracestate = traceState?.serialize();
  return tracestate ? { traceparent, tracestate } : { traceparent };
}

export function isSampled({ traceFlags }: SpanContext): boolean {
  return (traceFlags & TraceFlags.SAMPLED) !== 0;
}

/** The trace of a message, out of the JSON of its metadata; undefined if it has none that anybody records. */
export function sampledContextOf(metadata: string | null): SpanContext | undefined {
  if (metadata?.includes('"traceparent"') !== true) return undefined;
  const context = readContext(JSON.parse(metadata) as TraceHeaders);
  return context && isSampled(context) ? context : undefined;
}
