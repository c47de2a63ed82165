import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { until } from '../../support/until.js';
import { fileOfPackage } from './debian-package.js';

const CONF = resolve('deploy/nginx.conf');
/** Those of deploy/nginx.conf. */
export const NGINX_PORT = 3_000;
export const INSTANCE_PORTS = [3_001, 3_002, 3_003];

/** nginx with deploy/nginx.conf, on these ports instead of the ones written there. */
export class Nginx {
  private constructor(
    private readonly process: ChildProcess,
    private readonly directory: string,
    readonly url: string,
  ) {}

  static async start(port = NGINX_PORT, instancePorts: readonly number[] = INSTANCE_PORTS): Promise<Nginx> {
    const program = await fileOfPackage('nginx', '/usr/sbin/nginx');
    const directory = await mkdtemp(join(tmpdir(), 'trunkline-nginx-'));
    await mkdir(join(directory, 'tmp'));
    const conf = join(directory, 'nginx.conf');
    await writeFile(conf, await confFor(port, instancePorts));
    // As root it would run its workers as a user who may not exist, and who cannot write here.
    const globals = `daemon off;${process.getuid?.() === 0 ? ' user root;' : ''}`;
    const child = spawn(program, ['-p', directory, '-c', conf, '-g', globals], { stdio: ['ignore', 'ignore', 'pipe'] });
    let output = '';
    child.stderr.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(-2_000)));
    await until('nginx listens', async () => {
      if (child.exitCode !== null) throw new Error(`nginx ended with ${child.exitCode}: ${output}`);
      return isListening(port);
    });
    return new Nginx(child, directory, `http://127.0.0.1:${port}`);
  }

  async stop(): Promise<void> {
    const exited = once(this.process, 'exit');
    if (this.process.exitCode === null && this.process.kill('SIGTERM')) await exited;
    await rm(this.directory, { recursive: true, force: true });
  }
}

async function confFor(port: number, instancePorts: readonly number[]): Promise<string> {
  let conf = await readFile(CONF, 'utf8');
  // In two steps: a new port may be another one's old.
  const places = [NGINX_PORT, ...INSTANCE_PORTS];
  places.forEach((old, n) => (conf = conf.replace(`127.0.0.1:${old} `, `127.0.0.1:<${n}> `)));
  [port, ...instancePorts].forEach((given, n) => (conf = conf.replace(`<${n}>`, String(given))));
  return conf;
}

function isListening(port: number): Promise<boolean> {
  return new Promise((answer) => {
    const socket = connect(port, '127.0.0.1', () => answer(socket.destroy() !== undefined));
    socket.on('error', () => answer(false));
  });
}
