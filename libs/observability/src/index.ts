export { createLogger, cut, LOGGER, NestLog, type Logger } from './logger.js';
