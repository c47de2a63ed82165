export { cut } from './cut.js';
export { createLogger, LOGGER, NestLog, type LogFormat, type Logger } from './logger.js';
export {
  Count,
  Counts,
  METER,
  NO_METER,
  type Described,
  type Histogram,
  type Histograms,
  type Labelled,
  type Meter,
} from './metrics/meter.js';
export { METRICS_PATH, MetricsEndpoint } from './metrics/metrics-endpoint.js';
export { MetricsServer } from './metrics/metrics-server.js';
export { PrometheusMeter } from './metrics/prometheus-meter.js';
export { RequestLog, requestIdOf } from './request-log.js';
export { Snapshot } from './snapshot.js';
export { ThrottledLog, throttledWarn } from './throttle.js';
export type { TraceHeaders } from './tracing/trace-context.js';
export { Tracing, type TraceSpan } from './tracing/tracing.js';
