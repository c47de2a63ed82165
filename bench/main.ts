import { Bench } from './bench.js';
import { describeProfiles } from './cpu/profile.js';
import { describeMachine } from './machine.js';
import { readOptions, usageOf, type BenchOptions } from './options.js';
import { makeReport, type Report } from './report.js';
import { playRounds } from './rounds.js';
import { SCENARIOS } from './scenarios/index.js';
import type { Scenario } from './scenarios/scenario.js';
import { tableOf } from './table.js';
import { tellFailure } from '../test/support/tell-failure.js';

/** Ctrl-C and similar signals stop everything that was started, in order. */
const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

async function main(args: readonly string[]): Promise<void> {
  if (args.includes('--help')) return print(usageOf(SCENARIOS));
  const options = readOptions(args, SCENARIOS);
  for (const letter of options.scenarios) {
    const report = await run(options, SCENARIOS.find((scenario) => scenario.letter === letter) as Scenario);
    print(tableOf(report));
    print(options.json ? JSON.stringify(report) : '');
  }
  if (options.profile !== undefined) process.stderr.write(`${await describeProfiles(options.profile)}\n`);
}

async function run(options: BenchOptions, scenario: Scenario): Promise<Report> {
  const machine = describeMachine();
  const bench = new Bench(options);
  const abandon = (signal: NodeJS.Signals): void => {
    bench.note(`stopping by ${signal}`);
    void bench.stop().finally(() => process.exit(1));
  };
  for (const signal of STOP_SIGNALS) process.once(signal, abandon);
  try {
    const measurements = await playRounds(bench, scenario);
    const versions = await bench.infrastructure.versions();
    return makeReport(scenario, measurements, options.rounds, { ...machine, ...versions });
  } finally {
    await bench.stop();
    for (const signal of STOP_SIGNALS) process.off(signal, abandon);
  }
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  tellFailure(error);
  process.exit(1);
}
