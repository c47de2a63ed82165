import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readOptions, USAGE } from './options.js';
import { jsonOf, tableOf } from './report.js';
import { runChaos } from './run-chaos.js';
import { tellFailure } from '../support/tell-failure.js';

/**
 * Through npm the signals come twice, so all but the first are ignored; everything that was started is ended either
 * way.
 */
const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

async function main(args: readonly string[]): Promise<boolean> {
  if (args.includes('--help')) return print(USAGE);
  const options = readOptions(args);
  const note = (text: string): void => void process.stderr.write(`${text}\n`);
  const stopping = new AbortController();
  for (const signal of STOP_SIGNALS) process.on(signal, () => stopping.abort(new Error(`stopped by ${signal}`)));
  // Even after a bug of this program, nothing that was started may be left behind.
  for (const event of ['uncaughtException', 'unhandledRejection']) process.on(event, (error) => stopping.abort(error));
  const directory = await mkdtemp(join(tmpdir(), 'trunkline-chaos-'));
  const historyFile = options.history ?? join(directory, 'history.jsonl');
  const logs = options.logs === undefined ? undefined : createWriteStream(options.logs);
  note(`chaos for ${options.seconds} s, --seed ${options.seed}`);
  try {
    const verdict = await runChaos(options, {
      note,
      historyFile,
      onLine: (line) => logs?.write(`${line}\n`),
      signal: stopping.signal,
    });
    print(tableOf(verdict, options.seed));
    if (options.json) print(jsonOf(verdict, options.seed));
    return verdict.verdict === 'green';
  } finally {
    logs?.end();
    await rm(directory, { recursive: true, force: true });
  }
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
