import type { JobReport } from './job.js';

/**
 * Runs all steps of a job, even after one has failed, and adds up what they did.
 * @throws Error of the step that failed, or of all that failed together; by then every other step has done its work
 */
export async function inSteps(...steps: readonly (() => Promise<JobReport>)[]): Promise<JobReport> {
  let rows = 0;
  const notes: string[] = [];
  const errors: unknown[] = [];
  for (const step of steps) {
    try {
      const report = await step();
      rows += report.rows;
      notes.push(...(report.notes ?? []));
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) throw new AggregateError(errors, errors.map(String).join('; '));
  return { rows, notes };
}

/** Makes a step that reports how many rows it changed. */
export function counting(what: string, change: () => Promise<number>): () => Promise<JobReport> {
  return async () => {
    const rows = await change();
    return { rows, notes: [`${rows} ${what}`] };
  };
}
