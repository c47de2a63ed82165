import type { Counts, Meter } from '#observability';
import type { ErrorName } from '#protocol';

/** Sockets and REST share this counter of requests that were refused or failed. */
export function countErrors(meter: Meter): Counts<ErrorName> {
  return meter.counters({
    name: 'trunkline_request_faults_total',
    help: 'Requests of sockets and REST that were refused or failed, by fault; each item of a batch counts',
    label: 'fault',
  });
}
