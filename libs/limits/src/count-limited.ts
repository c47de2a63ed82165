import type { Counts, Meter } from '#observability';

/** Makes the one counter in which all limits count, whichever lib enforces them. */
export function countLimited(meter: Meter): Counts<string> {
  return meter.counters({
    name: 'trunkline_limited_total',
    help: 'What was refused, paused or closed because of a limit, by limit',
    label: 'limit',
  });
}
