import type { Counts, Meter } from '#observability';

/** One counter for all limits, wherever they stand. */
export function countLimited(meter: Meter): Counts<string> {
  return meter.counters({
    name: 'trunkline_limited_total',
    help: 'What was refused, paused or closed because of a limit, by limit',
    label: 'limit',
  });
}
