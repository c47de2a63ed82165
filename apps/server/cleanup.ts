import { parseArgs } from 'node:util';
import { JobRunner, Jobs } from '#cleanup';
import { readSettings } from '#config';
import { Peers, Registry, Sessions } from '#connection-manager';
import { Database } from '#database';
import { createLogger } from '#observability';
import { makeStores } from './assemble.js';
import { resolveSettings } from './resolve-settings.js';

const USAGE = 'usage: npm run cleanup -- --job NAME [--dry-run] | --list\n';
/** It is no instance; the diary shows who ran the job. */
const BY_HAND = 'by-hand';

/** Runs a cleanup job by hand, under the lock that the instances use, and says what it did. */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { job: { type: 'string' }, 'dry-run': { type: 'boolean', default: false }, list: { type: 'boolean' } },
  });
  const { settings, embedded } = await resolveSettings(readSettings(), createLogger('warn'));
  const onError = (): void => undefined; // the statement that fails says so
  const database = new Database({ ...settings.database, applicationName: 'trunkline cleanup', onError });
  try {
    const stores = makeStores(database, settings, BY_HAND);
    const registry = new Registry(database, () => BY_HAND);
    const peers = new Peers(database, () => BY_HAND, settings.registry.leaseMs);
    const { pollMs } = settings.delivery;
    const options = { ...settings.sessions, instanceId: () => BY_HAND, pollMs, isNotifyOn: false, onError };
    const sessions = new Sessions(database, options);
    const jobs = new Jobs(settings.cleanup, { ...stores, registry, peers, sessions });
    if (values.list) return list(jobs);
    const job = jobs.list.find(({ name }) => name === values.job);
    if (!job) return complain(`${USAGE}jobs: ${jobs.list.map(({ name }) => name).join(', ')}\n`);
    const runner = new JobRunner(database, stores.diary, BY_HAND, createLogger('fatal'));
    const { isMine, rows, notes = [], error } = await runner.run(job, { isDryRun: values['dry-run'] });
    if (error) return complain(`${job.name} failed: ${error.message}\n`);
    if (!isMine) return complain(`${job.name}: an instance runs it just now\n`);
    say([`${job.name}: ${values['dry-run'] ? 'would change' : 'changed'} ${rows}`, ...notes]);
    return 0;
  } finally {
    await database.close();
    await embedded?.stop();
  }
}

function list({ list: jobs }: Jobs): number {
  say(jobs.map(({ name, cron, does }) => `${name.padEnd(18)} ${cron.padEnd(16)} ${does}`));
  return 0;
}

function say(lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}

function complain(text: string): number {
  process.stderr.write(text);
  return 1;
}

process.exitCode = await main();
