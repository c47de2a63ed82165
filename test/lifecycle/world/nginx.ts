import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { until } from '../../support/until.js';
import { fileOfPackage } from '../../support/debian-package.js';

const CONF = resolve('deploy/nginx.conf');

/** Runs nginx with deploy/nginx.conf as it is, in front of instances on ports of this machine. */
export class Nginx {
  private constructor(
    readonly process: ChildProcess,
    private readonly directory: string,
    readonly url: string,
  ) {}

  static async start(port: number, instancePorts: readonly number[]): Promise<Nginx> {
    const program = await findNginx();
    const directory = await mkdtemp(join(tmpdir(), 'trunkline-nginx-'));
    await configure(directory, port, instancePorts);
    // Started by root, nginx would run its workers as a user who may not exist, and who cannot write here.
    const globals = `daemon off;${process.getuid?.() === 0 ? ' user root;' : ''}`;
    // nginx has a process group of its own, so that Ctrl-C does not reach it: it is stopped after the instances.
    const child = spawn(program, ['-p', directory, '-c', join(directory, 'nginx.conf'), '-g', globals], {
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    });
    let output = '';
    child.stderr.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(-2_000)));
    const nginx = new Nginx(child, directory, `http://127.0.0.1:${port}`);
    try {
      await until('nginx listens', async () => {
        if (child.exitCode !== null) throw new Error(`nginx ended with ${child.exitCode}: ${output}`);
        return isListening(port);
      });
      return nginx;
    } catch (error) {
      await nginx.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    const exited = once(this.process, 'exit');
    if (this.process.exitCode === null && this.process.kill('SIGTERM')) await exited;
    await rm(this.directory, { recursive: true, force: true });
  }
}

/**
 * Finds the program.
 * @throws Error saying which package is needed
 */
export function findNginx(): Promise<string> {
  return fileOfPackage('nginx', '/usr/sbin/nginx');
}

/** Writes the files that deploy/nginx/ holds for docker-compose.yml. */
async function configure(directory: string, port: number, instancePorts: readonly number[]): Promise<void> {
  const servers = instancePorts.map((each) => `  server 127.0.0.1:${each} max_fails=0;\n`);
  await copyFile(CONF, join(directory, 'nginx.conf'));
  await mkdir(join(directory, 'trunkline'));
  await writeFile(join(directory, 'trunkline/instances.conf'), `upstream trunkline {\n${servers.join('')}}\n`);
  await writeFile(join(directory, 'trunkline/listen.conf'), `listen 127.0.0.1:${port} backlog=4096;\n`);
}

function isListening(port: number): Promise<boolean> {
  return new Promise((answer) => {
    const socket = connect(port, '127.0.0.1', () => answer(socket.destroy() !== undefined));
    socket.on('error', () => answer(false));
  });
}
