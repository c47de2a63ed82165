import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { basename, join } from 'node:path';
import type { AttackPlan } from './lair.js';
import type { TallyReport } from './tally.js';

const ROOT = join(import.meta.dirname, '../../..');
/** The compiled program, even when this file runs as a source under Jest. */
const MAIN = join(basename(ROOT) === 'dist' ? ROOT : join(ROOT, 'dist'), 'test/limits/attack/attacker-main.js');
/** An attacker that has not ended this long after its time is killed. */
const GRACE_MS = 15_000;

/**
 * Runs an attacker in a process of its own.
 * @returns what it did and what came of it, once it has ended
 */
export async function attackFromOutside(commands: AttackPlan): Promise<TallyReport> {
  const child = spawn(process.execPath, ['--enable-source-maps', MAIN, JSON.stringify(commands)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [said, complained] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (complained += chunk.toString()));
  const timer = setTimeout(() => child.kill('SIGKILL'), commands.seconds * 1_000 + GRACE_MS);
  const [code] = (await once(child, 'close')) as [number | null];
  clearTimeout(timer);
  if (code !== 0) throw new Error(`the attacker ${commands.attack} ended with ${code}:\n${complained}`);
  return JSON.parse(said) as TallyReport;
}
