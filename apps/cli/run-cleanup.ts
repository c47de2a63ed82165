import { JobRunner, Jobs } from '#cleanup';
import type { Settings } from '#config';
import { Database } from '#database';
import { createLogger } from '#observability';
import { openCleanup, resolveSettings } from '#trunkline';
import { Failure, InputError } from './failure.js';
import type { Output } from './output.js';

export interface CleanupOptions {
  readonly job?: string;
  readonly dryRun?: boolean;
  readonly list?: boolean;
}

/** Stands in the job history for an instance id, because a job run from the command line belongs to no instance. */
const BY_HAND = 'by-hand';

/** Lists the cleanup jobs, or runs one under the lock that the instances use and says what it did. */
export async function runCleanup(given: Settings, options: CleanupOptions, output: Output): Promise<void> {
  const { settings, embedded } = await resolveSettings(given, createLogger('warn'));
  const onError = (): void => undefined; // the statement that fails reports the error itself
  const database = new Database({ ...settings.database, applicationName: 'trunkline cleanup', onError });
  try {
    const context = await openCleanup(settings, database, BY_HAND, createLogger('fatal'));
    await run(context.get(Jobs), context.get(JobRunner), options, output).finally(() => context.close());
  } finally {
    await database.close();
    await embedded?.stop();
  }
}

async function run(
  jobs: Jobs,
  runner: JobRunner,
  { job: wanted, dryRun = false, list = false }: CleanupOptions,
  output: Output,
): Promise<void> {
  if (list) {
    const told = jobs.list.map(({ name, cron, does }) => ({ job: name, cron, does }));
    output.tell(told, () => jobs.list.map(({ name, cron, does }) => `${name.padEnd(18)} ${cron.padEnd(16)} ${does}`));
    return;
  }
  const job = jobs.find(wanted ?? '');
  if (!job) throw new InputError(`no job ${wanted ?? ''}; there are ${jobs.list.map(({ name }) => name).join(', ')}`);
  const { isMine, rows, notes = [], error } = await runner.run(job, { isDryRun: dryRun });
  if (error) throw new Failure(`${job.name} failed: ${error.message}`);
  if (!isMine) throw new Failure(`${job.name}: an instance runs it just now`);
  const summary = `${job.name}: ${dryRun ? 'would change' : 'changed'} ${rows}`;
  output.tell({ job: job.name, dryRun, rows, notes }, () => [summary, ...notes]);
}
