import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { JWT_SECRET } from '../support/server.js';
import { until } from '../support/until.js';

export const ROOT = join(import.meta.dirname, '../..');

/** The programs of the README as its reader has saved them, with the address of a server of ours in them. */
export class Examples {
  private constructor(
    readonly directory: string,
    /** `client.mjs` */
    readonly client: string,
    /** `group.mjs` */
    readonly group: string,
  ) {}

  static async copy(): Promise<Examples> {
    const readme = await readFile(join(ROOT, 'README.md'), 'utf8');
    const [client = '', group = ''] = [...readme.matchAll(/```js\n([\s\S]*?)```/g)].map(([, code]) => code ?? '');
    const directory = await mkdtemp(join(tmpdir(), 'trunkline-readme-'));
    await symlink(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
    const examples = new Examples(directory, client, group);
    await writeFile(join(directory, 'group.mjs'), group);
    return examples;
  }

  /** @param tokens where it gets its tokens, if not from the command of the README */
  async save(serverUrl: string, tokens?: string): Promise<void> {
    const there = this.client.replace('http://127.0.0.1:3000', serverUrl);
    const asking = `const newToken = async () => (await fetch(${JSON.stringify(tokens)} + user)).text();`;
    const code = tokens === undefined ? there : there.replace(/^const newToken = .*$/m, asking);
    await writeFile(join(this.directory, 'client.mjs'), code);
  }

  start(name: 'client.mjs' | 'group.mjs', ...args: string[]): Program {
    return new Program(join(this.directory, name), args);
  }

  /** So many clients, each with a user of its own, in one process. */
  async startMany(count: number): Promise<Program> {
    const client = await readFile(join(this.directory, 'client.mjs'), 'utf8');
    const asParameter = client.replace('process.argv.slice(2)', '[new URL(import.meta.url).search.slice(1)]');
    await writeFile(join(this.directory, 'one-of-many.mjs'), asParameter);
    const everybody = `for (let n = 1; n <= ${count}; n++) import('./one-of-many.mjs?crowd-' + n);`;
    await writeFile(join(this.directory, 'many.mjs'), everybody);
    return new Program(join(this.directory, 'many.mjs'), []);
  }

  remove(): Promise<void> {
    return rm(this.directory, { recursive: true });
  }
}

const DEADLINE_MS = 40_000;

/** One of them, running. */
export class Program {
  output = '';
  private readonly child: ChildProcess;

  constructor(file: string, args: readonly string[]) {
    // There `npx trunkline` is this project's.
    const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], NODE_ENV: 'test', JWT_SECRET };
    this.child = spawn(process.execPath, [file, ...args], { cwd: ROOT, env });
    const note = (chunk: Buffer): void => void (this.output += chunk.toString());
    this.child.stdout?.on('data', note);
    this.child.stderr?.on('data', note);
  }

  get exitCode(): number | null {
    return this.child.exitCode;
  }

  get lines(): number {
    return this.output.split('\n').length;
  }

  type(text: string): void {
    this.child.stdin?.write(`${text}\n`);
  }

  /** @param from only what came after so many characters */
  async prints(what: string | RegExp, from = 0): Promise<void> {
    const has = (): boolean => {
      const text = this.output.slice(from);
      return typeof what === 'string' ? text.includes(what) : what.test(text);
    };
    await until(`${String(what)} is printed`, has, DEADLINE_MS).catch((error: unknown) => {
      throw new Error(`${String(error)}; all there is:\n${this.output}`);
    });
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.kill();
    await exited;
  }
}
