import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Verdict } from './checker/check.js';

/** The compiled program; the path is relative to the sources. */
const MAIN = join(import.meta.dirname, '../../dist/test/chaos/main.js');

export interface ChaosRun {
  readonly exitCode: number | null;
  readonly verdict: Verdict;
  /** Everything that the run printed: the seed, what it did, the table. */
  readonly output: string;
}

/** Runs `npm run chaos` from a spec. */
export async function chaosRun(args: readonly string[]): Promise<ChaosRun> {
  const child = spawn(process.execPath, ['--enable-source-maps', MAIN, '--json', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [printed, noted] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (noted += chunk.toString()));
  const [exitCode] = (await once(child, 'close')) as [number | null];
  const output = `${noted}${printed}`;
  const lastLine = printed.trim().split('\n').at(-1) ?? '';
  if (!lastLine.startsWith('{')) throw new Error(`the run ended with ${exitCode} and without a verdict\n${output}`);
  return { exitCode, verdict: JSON.parse(lastLine) as Verdict, output };
}
