import { parseArgs } from 'node:util';
import { migrate } from '#database';
import { MIGRATIONS } from '../../migrations/index.js';
import { OwnPostgres } from '../support/own-postgres.js';
import { Server } from '../support/server.js';
import { runFrameStorm, STORM_ENV } from './frame-storm-run.js';

const USAGE = `npm run frames -- [--sequences 10000] [--seed N] [--first 0]

  --sequences N   random sequences of frames, each on a transport of its own (10000)
  --seed N        repeats an earlier run, which printed it
  --first N       begins with this sequence: with --sequences 1, one is repeated alone`;

function readOptions(): { sequences: number; seed: number; first: number } {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ options: { sequences: text, seed: text, first: text, help: { type: 'boolean' } } });
  const { sequences = '10000', seed = String(Math.floor(Math.random() * 2 ** 31)), first = '0', help } = values;
  const numbers = [sequences, seed, first];
  if (help === true || !numbers.every((number) => /^\d{1,10}$/.test(number))) {
    process.stdout.write(`${USAGE}\n`);
    process.exit(help === true ? 0 : 2);
  }
  return { sequences: Number(sequences), seed: Number(seed), first: Number(first) };
}

const options = readOptions();
process.stdout.write(`seed ${options.seed}\n`);
const postgres = await OwnPostgres.start();
try {
  await migrate(postgres.url, MIGRATIONS);
  const server = await Server.start(postgres.url, STORM_ENV);
  try {
    const onProgress = (done: number): void => {
      if (done % 1_000 === 0) process.stdout.write(`${done} sequences\n`);
    };
    const result = await runFrameStorm({ ...options, server, databaseUrl: postgres.url, onProgress });
    const { faults, ...figures } = result;
    process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`);
    for (const fault of faults) process.stdout.write(`FAULT ${fault}\n`);
    const verdict = faults.length === 0 ? 'held' : `did not hold: ${faults.length} faults`;
    process.stdout.write(`frames: ${verdict}, ${figures.sequences} sequences, seed ${figures.seed}\n`);
    process.exitCode = faults.length === 0 ? 0 : 1;
  } finally {
    await server.end('SIGKILL');
  }
} finally {
  await postgres.remove();
}
