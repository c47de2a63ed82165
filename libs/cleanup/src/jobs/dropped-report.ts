import type { Dropped } from '#message-persistence';
import type { JobReport } from '../job.js';

/** @throws Error if a partition could not be dropped, unless the only reason is that somebody is reading it */
export function toReport({ dropped, undelivered, kept, failed }: Dropped): JobReport {
  if (failed.length > 0) throw new Error(failed.join('; '));
  return {
    rows: dropped.length,
    notes: [
      ...dropped.map((name) => `${name} dropped${undelivered.includes(name) ? ' with undelivered messages' : ''}`),
      ...kept.map((name) => `kept ${name}`),
    ],
  };
}
