import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { parseIrcLog } from './irc-log.js';
import { decodeLog } from './log-bytes.js';
import { readOptions, USAGE } from './options.js';
import { DEFAULT_LOG } from './paths.js';
import { ProgressBar } from './progress-bar.js';
import { planReplay, type ReplayPlan } from './replay-plan.js';
import { faultsOf, reportOf, tableOf } from './report.js';
import { runDemo } from './run-demo.js';

// eslint-disable-next-line no-restricted-properties -- the instances inherit it, but for what DemoEnvironment sets
const inherited = process.env;

async function main(args: readonly string[]): Promise<boolean> {
  if (args.includes('--help')) return print(USAGE);
  const options = readOptions(args);
  const bar = new ProgressBar(process.stderr);
  const plan = await readPlan(options.log ?? DEFAULT_LOG, bar);
  const { balance, figures, troubles } = await runDemo(plan, options, inherited, bar);
  const report = reportOf(balance, figures);
  const faults = [...faultsOf(report, balance.unpublished), ...troubles];
  for (const line of [...faults, ...balance.examples]) bar.note(line);
  print(tableOf(report));
  if (options.json) print(JSON.stringify(report));
  return faults.length === 0;
}

async function readPlan(file: string, bar: ProgressBar): Promise<ReplayPlan> {
  const { events, ignoredLines } = parseIrcLog(decodeLog(await readFile(file)));
  bar.note(`${file}: ${events.length} events; ${ignoredLines} other lines ignored`);
  // A database of the user's own may hold earlier runs, so the users and the group of this run get names of their own.
  return planReplay(events, inherited['DATABASE_URL'] ? `.${randomBytes(4).toString('hex')}` : '');
}

function print(text: string): true {
  process.stdout.write(`${text}\n`);
  return true;
}

try {
  // process.exit() is not called here: anything left open keeps the process alive and is noticed.
  process.exitCode = (await main(process.argv.slice(2))) ? 0 : 1;
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  // Whatever the broken run was waiting for does not matter any more.
  process.exit(1);
}
