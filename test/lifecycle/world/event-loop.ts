import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Server } from '../../support/server.js';
import { until } from '../../support/until.js';

/**
 * The environment of a server that measures its event loop. The probe is the compiled one, even when this file runs as
 * a source under Jest.
 */
export const EVENT_LOOP_PROBE = {
  NODE_OPTIONS: `--import=${pathToFileURL(resolve('dist/test/lifecycle/probe/event-loop.js')).href}`,
};

export interface EventLoopDelay {
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Asks a server for the delay of its event loop since it was asked last. */
export async function eventLoopDelayOf(server: Server): Promise<EventLoopDelay> {
  const from = server.lines.length;
  server.process.kill('SIGUSR2');
  const line = await until('it says', () => server.lines.slice(from).find((text) => text.includes('"event loop"')));
  return JSON.parse(line) as EventLoopDelay;
}
