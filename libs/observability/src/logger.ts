import type { LoggerService } from '@nestjs/common';
import { destination, pino, type Logger } from 'pino';

export type { Logger };

/** Injection token of the root {@link Logger}. */
export const LOGGER = Symbol('logger');

/** JSON lines on stdout. Client strings are escaped by JSON and cut; tokens and bodies are never logged. */
export function createLogger(level: string, bindings: Record<string, unknown> = {}): Logger {
  return pino(
    {
      level,
      base: bindings,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: ['token', 'auth', 'authorization', 'secret', '*.token', '*.authorization'],
    },
    destination({ sync: true }),
  );
}

/** What a client wrote, short enough for a log line. */
export function cut(text: unknown, length = 200): string {
  const string = String(text);
  return string.length > length ? `${string.slice(0, length)}…` : string;
}

/** Lets Nest write its own lines through ours; its routine chatter goes to debug. */
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
