import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { createClient } from 'redis';
import { programOfPackage } from '../../test/support/debian-package.js';
import { freePort } from './free-port.js';

const START_DEADLINE_MS = 10_000;

/** The Redis of a run. It has a port of its own, listens on loopback only, and writes nothing to disk. */
export class Redis {
  private constructor(
    private readonly process: ChildProcess,
    readonly url: string,
    readonly version: string,
  ) {}

  static async start(): Promise<Redis> {
    const { file, env } = await programOfPackage('redis-server', '/usr/bin/redis-server');
    const port = await freePort();
    const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', '/'];
    const child = spawn(file, args, { env: { ...process.env, ...env }, stdio: 'ignore' });
    const url = `redis://127.0.0.1:${port}`;
    try {
      return new Redis(child, url, await versionOf(url, child));
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    }
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  async stop(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const exited = once(this.process, 'exit');
    this.process.kill('SIGTERM');
    await exited;
  }
}

async function versionOf(url: string, child: ChildProcess): Promise<string> {
  for (const deadline = Date.now() + START_DEADLINE_MS; ; await delay(50)) {
    const client = createClient({ url, socket: { reconnectStrategy: false } });
    client.on('error', () => undefined);
    try {
      await client.connect();
      const info = await client.info('server');
      await client.close();
      return /redis_version:(\S+)/.exec(info)?.[1] ?? '';
    } catch (cause) {
      if (Date.now() > deadline || child.exitCode !== null) throw new Error('redis-server did not start', { cause });
    }
  }
}
