import { createTraceState, isSpanContextValid, TraceFlags, type SpanContext } from '@opentelemetry/api';

/**
 * The W3C trace context (https://www.w3.org/TR/trace-context/), as headers of HTTP or entries of a message's metadata.
 */
export interface TraceHeaders {
  readonly traceparent?: string | undefined;
  readonly tracestate?: string | undefined;
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
/** Later versions may have more fields at the end, but version ff will never exist. */
const FORBIDDEN_VERSION = 'ff';
/** The standard asks everybody to carry this many characters; a longer state is left out. */
const TRACESTATE_MAX = 512;

/** Undefined means that this is no trace context, which is never a reason to refuse a message. */
export function readContext({ traceparent, tracestate }: TraceHeaders): SpanContext | undefined {
  const [, version, traceId = '', spanId = '', flags = '', more] = TRACEPARENT.exec(traceparent ?? '') ?? [];
  if (version === FORBIDDEN_VERSION || (version === '00' && more !== undefined)) return undefined;
  const context: SpanContext = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
  if (!isSpanContextValid(context)) return undefined;
  if (!tracestate || tracestate.length > TRACESTATE_MAX) return context;
  return { ...context, traceState: createTraceState(tracestate) };
}

/** Undefined means that there is no trace, because nobody has installed an SDK. */
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

/**
 * Reads the trace of a message from the JSON of its metadata; undefined means that it has none that anybody records.
 */
export function sampledContextOf(metadata: string | null): SpanContext | undefined {
  if (metadata?.includes('"traceparent"') !== true) return undefined;
  const context = readContext(JSON.parse(metadata) as TraceHeaders);
  return context && isSampled(context) ? context : undefined;
}
