import { monitorEventLoopDelay } from 'node:perf_hooks';

/*
 * Loaded into a server with --import. At SIGUSR2 it prints how long the event loop has kept its timers waiting since
 * the last SIGUSR2, and begins anew.
 */
const MS = 1e6;
const RESOLUTION_MS = 10;
const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
histogram.enable();
process.on('SIGUSR2', () => {
  const late = (nanoseconds: number): number => Math.max(0, nanoseconds / MS - RESOLUTION_MS);
  const eventLoop = { p99Ms: late(histogram.percentile(99)), maxMs: late(histogram.max) };
  process.stdout.write(`${JSON.stringify({ msg: 'event loop', ...eventLoop })}\n`);
  histogram.reset();
});
