import type { LoggerService } from '@nestjs/common';
import { createRequire } from 'node:module';
import { destination, pino, type DestinationStream, type Logger } from 'pino';
import { cut } from './cut.js';
import { describeError } from './describe-error.js';

export type { Logger };

/** Injection token of the root {@link Logger}. */
export const LOGGER = Symbol('logger');

/** `auto` writes for people on a terminal if pino-pretty is installed, and JSON in every other case. */
export type LogFormat = 'json' | 'pretty' | 'auto';

/**
 * The logger writes lines to stdout. Strings of clients are escaped by JSON and cut; tokens and bodies are never
 * logged.
 */
export function createLogger(level: string, format: LogFormat = 'json'): Logger {
  const wantsPretty = format === 'pretty' || (format === 'auto' && process.stdout.isTTY);
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { err: describeError },
      redact: ['token', 'auth', 'authorization', 'secret', '*.token', '*.authorization'],
    },
    (wantsPretty && prettyStream()) || destination({ sync: true }),
  );
}

/** Undefined means that pino-pretty is not installed, because it is a package for development. */
function prettyStream(): DestinationStream | undefined {
  try {
    const pretty = createRequire(import.meta.url)('pino-pretty') as (options: object) => DestinationStream;
    return pretty({ sync: true, translateTime: 'SYS:HH:MM:ss.l', ignore: 'instanceId' });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}

/** Writes Nest's own lines through our logger; its routine lines are written at debug. */
export class NestLog implements LoggerService {
  constructor(private readonly logger: Logger) {}

  log(message: unknown, context?: string): void {
    this.logger.debug({ context }, cut(message));
  }

  warn(message: unknown, context?: string): void {
    this.logger.warn({ context }, cut(message));
  }

  error(message: unknown, stack?: string, context?: string): void {
    this.logger.error({ context, stack }, cut(message));
  }
}
