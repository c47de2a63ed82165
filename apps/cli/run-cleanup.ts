import { JobRunner, Jobs } from '#cleanup';
import type { ResolvedSettings, Settings } from '#config';
import { Peers, Registry, Sessions } from '#connection-manager';
import { Database } from '#database';
import { createLogger } from '#observability';
import { makeStores } from '../server/assemble.js';
import { resolveSettings } from '../server/resolve-settings.js';
import { Failure, InputError } from './failure.js';
import type { Output } from './output.js';

export interface CleanupOptions {
  readonly job?: string;
  readonly dryRun?: boolean;
  readonly list?: boolean;
}

/** It is no instance; the diary shows who ran the job. */
const BY_HAND = 'by-hand';

/** Runs a cleanup job by hand, under the lock that the instances use, and says what it did; or lists them. */
export async function runCleanup(given: Settings, options: CleanupOptions, output: Output): Promise<void> {
  const { settings, embedded } = await resolveSettings(given, createLogger('warn'));
  const onError = (): void => undefined; // the statement that fails says so
  const database = new Database({ ...settings.database, applicationName: 'trunkline cleanup', onError });
  try {
    await run(settings, database, options, output);
  } finally {
    await database.close();
    await embedded?.stop();
  }
}

async function run(
  settings: ResolvedSettings,
  database: Database,
  { job: wanted, dryRun = false, list = false }: CleanupOptions,
  output: Output,
): Promise<void> {
  const stores = makeStores(database, settings, BY_HAND);
  const jobs = makeJobs(settings, database, stores).list;
  if (list) {
    const told = jobs.map(({ name, cron, does }) => ({ job: name, cron, does }));
    output.tell(told, () => jobs.map(({ name, cron, does }) => `${name.padEnd(18)} ${cron.padEnd(16)} ${does}`));
    return;
  }
  const job = jobs.find(({ name }) => name === wanted);
  if (!job) throw new InputError(`no job ${wanted ?? ''}; there are ${jobs.map(({ name }) => name).join(', ')}`);
  const runner = new JobRunner(database, stores.diary, BY_HAND, createLogger('fatal'));
  const { isMine, rows, notes = [], error } = await runner.run(job, { isDryRun: dryRun });
  if (error) throw new Failure(`${job.name} failed: ${error.message}`);
  if (!isMine) throw new Failure(`${job.name}: an instance runs it just now`);
  const summary = `${job.name}: ${dryRun ? 'would change' : 'changed'} ${rows}`;
  output.tell({ job: job.name, dryRun, rows, notes }, () => [summary, ...notes]);
}

function makeJobs(settings: ResolvedSettings, database: Database, stores: ReturnType<typeof makeStores>): Jobs {
  const instanceId = BY_HAND;
  const { pollMs } = settings.delivery;
  const onError = (): void => undefined;
  const sessions = new Sessions(database, { ...settings.sessions, instanceId, pollMs, isNotifyOn: false, onError });
  const registry = new Registry(database, instanceId);
  const peers = new Peers(database, instanceId, settings.registry.leaseMs);
  return new Jobs(settings.cleanup, { ...stores, registry, peers, sessions });
}
