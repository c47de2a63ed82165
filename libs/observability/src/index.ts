export { createLogger, cut, LOGGER, NestLog, type Logger } from './logger.js';
export { throttledWarn } from './throttle.js';
