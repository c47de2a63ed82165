import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Server } from '../../support/server.js';
import { until } from '../../support/until.js';

/** Environment of a server that measures its event loop. Compiled, also when this is a source under Jest. */
export const EVENT_LOOP_PROBE = {
  NODE_OPTIONS: `--import=${pathToFileURL(resolve('dist/test/lifecycle/probe/event-loop.js')).href}`,
};

export interface EventLoopDelay {
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** The delay since it was asked last. */
export async function eventLoopDelayOf(server: Server): Promise<EventLoopDelay> {
  const from = server.lines.length;
  server.process.kill('SIGUSR2');
  const line = await until('it says', () => server.lines.slice(from).find((text) => text.includes('"event loop"')));
  return JSON.parse(line) as EventLoopDelay;
}
