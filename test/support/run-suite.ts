import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname } from 'node:path';
import { programOfPackage } from './debian-package.js';
import { WITH_POOLER } from './pooled-suite.js';

/** Runs the tests on another PostgreSQL, or behind a pooler; what follows goes to jest, e.g. the path of a spec. */
const USAGE = 'usage: npm run test:pg15 [-- test/cluster …] | npm run test:pgbouncer [-- test/cluster …]';
const JEST = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js'];

async function environmentOf(how: string | undefined): Promise<Record<string, string>> {
  switch (how) {
    case 'pg15': {
      const { file, env } = await programOfPackage('postgresql-15', '/usr/lib/postgresql/15/bin/initdb');
      return { ...env, POSTGRES_BIN: dirname(file) };
    }
    case 'pgbouncer':
      return { [WITH_POOLER]: 'on' };
    default:
      throw new Error(USAGE);
  }
}

const [how, ...args] = process.argv.slice(2);
try {
  const env = await environmentOf(how);
  process.stderr.write(
    `${Object.entries(env)
      .map((pair) => pair.join('='))
      .join(' ')}\n`,
  );
  const jest = spawn(process.execPath, [...JEST, ...args], { env: { ...process.env, ...env }, stdio: 'inherit' });
  // Ctrl-C reaches jest by itself; this one waits for what comes of it.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void jest.kill(signal));
  const [code] = (await once(jest, 'exit')) as [number | null];
  process.exitCode = code ?? 1;
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
