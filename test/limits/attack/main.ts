import { OwnPostgres } from '../../support/own-postgres.js';
import { tellFailure } from '../../support/tell-failure.js';
import { createTemplate, useTestServer } from '../../support/test-database.js';
import { readOptions, USAGE, type AttackOptions } from './options.js';
import { HEADING, HEADING_ABOVE, rowOf } from './report.js';
import { runAttack, type AttackRun } from './run-attack.js';
import { breaches, delays } from './verdict.js';

/** Through npm the signals come twice. What was started is ended either way. */
const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

interface Result extends AttackRun {
  readonly failures: readonly string[];
}

async function main(args: readonly string[]): Promise<boolean> {
  if (args.includes('--help')) return print(USAGE);
  const options = readOptions(args);
  print(`--seed ${options.seed}\n${HEADING_ABOVE}\n${HEADING}`);
  const postgres = await OwnPostgres.start();
  try {
    await createTemplate(postgres.url);
    useTestServer(postgres.url);
    const results = await runAll(options);
    const failed = results.filter(({ failures }) => failures.length > 0);
    print(`${results.length} attacks, ${failed.length} did harm   (--seed ${options.seed})`);
    if (options.json) print(JSON.stringify({ seed: options.seed, seconds: options.seconds, results }));
    return failed.length === 0;
  } finally {
    await postgres.remove();
  }
}

/** Runs the attacks one after the other, so that each has the machine for itself. */
async function runAll({ attacks, seconds, seed }: AttackOptions): Promise<Result[]> {
  const results: Result[] = [];
  let isStopped = false;
  for (const signal of STOP_SIGNALS) process.on(signal, () => (isStopped = true));
  for (const attack of attacks) {
    if (isStopped) throw new Error('stopped');
    const run = await runAttack(attack, { seconds, seed });
    const failures = [...breaches(attack, run), ...delays(run)];
    print(rowOf(run));
    for (const failure of failures) print(`  FAILED ${failure}`);
    results.push({ ...run, failures });
  }
  return results;
}

function print(text: string): true {
  process.stdout.write(`${text}\n`);
  return true;
}

try {
  // process.exit() is not called here: anything left open keeps the process alive and is noticed.
  process.exitCode = (await main(process.argv.slice(2))) ? 0 : 1;
} catch (error) {
  tellFailure(error);
  process.exitCode = 1;
}
