import { SpanStatusCode, trace } from '@opentelemetry/api';
import { BasicTracerProvider, SimpleSpanProcessor, type ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { appendFileSync } from 'node:fs';

/** A span as it stands in the file, one JSON line each. */
export interface WrittenSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string | undefined;
  readonly traceState: string | undefined;
  readonly links: readonly string[];
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly isError: boolean;
}

/** Loaded before a server (`node --import`), as somebody who runs one loads an SDK: writes every span into SPAN_FILE. */
const file = process.env['SPAN_FILE'];
if (file !== undefined) {
  const exporter = {
    export: (spans: ReadableSpan[], done: (result: { code: 0 }) => void): void => {
      for (const span of spans) appendFileSync(file, `${JSON.stringify(toWritten(span))}\n`);
      done({ code: 0 });
    },
    shutdown: () => Promise.resolve(),
  };
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
}

function toWritten(span: ReadableSpan): WrittenSpan {
  const { traceId, spanId, traceState } = span.spanContext();
  return {
    name: span.name,
    traceId,
    spanId,
    parentId: span.parentSpanContext?.spanId,
    traceState: traceState?.serialize(),
    links: span.links.map(({ context }) => `${context.traceId}-${context.spanId}`),
    attributes: span.attributes,
    isError: span.status.code === SpanStatusCode.ERROR,
  };
}
