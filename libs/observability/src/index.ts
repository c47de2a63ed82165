export { cut } from './cut.js';
export { createLogger, LOGGER, NestLog, type LogFormat, type Logger } from './logger.js';
export { RequestLog, requestIdOf } from './request-log.js';
export { throttledWarn } from './throttle.js';
