import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname } from 'node:path';
import { programOfPackage } from './debian-package.js';
import { HOSTILE_SETTINGS, WITH_SETTINGS } from './hostile-settings.js';
import { WITH_POOLER } from './pooled-suite.js';

/**
 * Runs the tests on another PostgreSQL, behind a pooler, or on databases with hostile settings, one group after the
 * other.
 */
const USAGE = `usage: npm run test:pg15 | test:pgbouncer | test:settings [-- test/cluster …]; what follows goes to jest`;
const JEST = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js'];

/** Makes the environment of each run of the tests, by the name of the run. */
async function environmentsOf(how: string | undefined): Promise<Record<string, Record<string, string>>> {
  switch (how) {
    case 'pg15': {
      const { file, env } = await programOfPackage('postgresql-15', '/usr/lib/postgresql/15/bin/initdb');
      return { pg15: { ...env, POSTGRES_BIN: dirname(file) } };
    }
    case 'pgbouncer':
      return { pgbouncer: { [WITH_POOLER]: 'on' } };
    case 'settings':
      return Object.fromEntries(Object.keys(HOSTILE_SETTINGS).map((name) => [name, { [WITH_SETTINGS]: name }]));
    default:
      throw new Error(USAGE);
  }
}

async function run(env: Record<string, string>, args: readonly string[]): Promise<number> {
  const jest = spawn(process.execPath, [...JEST, ...args], { env: { ...process.env, ...env }, stdio: 'inherit' });
  // Ctrl-C reaches jest by itself. This process waits until jest has ended.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void jest.kill(signal));
  const [code] = (await once(jest, 'exit')) as [number | null];
  return code ?? 1;
}

const [how, ...args] = process.argv.slice(2);
try {
  const failed: string[] = [];
  for (const [name, env] of Object.entries(await environmentsOf(how))) {
    const pairs = Object.entries(env).map((pair) => pair.join('='));
    process.stderr.write(`${pairs.join(' ')}\n`);
    if ((await run(env, how === 'settings' && args.length === 0 ? ['test/guarantees'] : args)) !== 0) failed.push(name);
  }
  if (failed.length > 0) process.stderr.write(`failed: ${failed.join(', ')}\n`);
  process.exitCode = failed.length > 0 ? 1 : 0;
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
