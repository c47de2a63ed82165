import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { programOfPackage } from './debian-package.js';
import { HOSTILE_SETTINGS, WITH_SETTINGS } from './hostile-settings.js';
import { directoryOfNode } from './node-package.js';
import { WITH_POOLER } from './pooled-suite.js';

/*
 * Runs the tests on another PostgreSQL, behind a pooler, on another Node.js, or on databases with hostile settings, one
 * set after the other.
 */
const USAGE = `usage: npm run test:pg15 | test:pgbouncer | test:settings [-- test/cluster …]
       npm run test:node -- 24 [test/cluster …]
What follows goes to jest.`;
const JEST = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js'];

/** One run of the tests. */
interface SuiteRun {
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
  /** The arguments of jest. */
  readonly args: readonly string[];
  /** The Node.js that runs jest and, because jest starts them with its own, the servers. */
  readonly node?: string;
}

async function runsOf(how: string | undefined, args: readonly string[]): Promise<SuiteRun[]> {
  switch (how) {
    case 'pg15': {
      const { file, env } = await programOfPackage('postgresql-15', '/usr/lib/postgresql/15/bin/initdb');
      return [{ name: how, env: { ...env, POSTGRES_BIN: dirname(file) }, args }];
    }
    case 'pgbouncer':
      return [{ name: how, env: { [WITH_POOLER]: 'on' }, args }];
    case 'node':
      return [await runOnNode(args)];
    case 'settings':
      return Object.keys(HOSTILE_SETTINGS).map((name) => ({
        name,
        env: { [WITH_SETTINGS]: name },
        args: args.length === 0 ? ['test/guarantees'] : args,
      }));
    default:
      throw new Error(USAGE);
  }
}

async function runOnNode([version = '', ...args]: readonly string[]): Promise<SuiteRun> {
  if (!/^\d+(\.\d+){0,2}$/.test(version)) throw new Error(USAGE);
  const directory = await directoryOfNode(version);
  const node = join(directory, 'node');
  const exact = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
  // The build has to run there as well; files whose content stays are not touched.
  rmSync('dist/.built-from', { force: true });
  execFileSync(node, ['tools/build.mjs'], { stdio: 'inherit' });
  return { name: `Node.js ${exact}`, env: {}, args, node };
}

async function run({ env, args, node = process.execPath }: SuiteRun): Promise<number> {
  // Tests that start npx, or a program with node in its first line, find the same Node.js.
  const path = [dirname(node), process.env['PATH']].join(delimiter);
  const jest = spawn(node, [...JEST, ...args], { env: { ...process.env, PATH: path, ...env }, stdio: 'inherit' });
  // Ctrl-C reaches jest by itself; this program waits until jest has ended.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void jest.kill(signal));
  const [code] = (await once(jest, 'exit')) as [number | null];
  return code ?? 1;
}

const [how, ...args] = process.argv.slice(2);
try {
  const failed: string[] = [];
  for (const suite of await runsOf(how, args)) {
    const pairs = Object.entries(suite.env).map((pair) => pair.join('='));
    process.stderr.write(`${[suite.name, ...pairs].join(' ')}\n`);
    if ((await run(suite)) !== 0) failed.push(suite.name);
  }
  if (failed.length > 0) process.stderr.write(`failed: ${failed.join(', ')}\n`);
  process.exitCode = failed.length > 0 ? 1 : 0;
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
