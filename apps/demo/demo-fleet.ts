import { randomBytes } from 'node:crypto';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { DemoInstance } from './demo-instance.js';
import { pickOne, type Random } from './seeded-random.js';

export interface DemoFleetSettings {
  readonly entry: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly random: Random;
}

/** The server processes of one run, behind a load balancer without sticky sessions. */
export class DemoFleet {
  killed = 0;
  /** Called with an instance that ended although nobody had asked it to. */
  onFallen: (instance: DemoInstance) => void = () => undefined;

  private readonly instances: DemoInstance[] = [];
  /**
   * Makes instance ids unique, because another run on the same database may have left an instance of the same number
   * behind.
   */
  private readonly tag = randomBytes(2).toString('hex');

  constructor(private readonly settings: DemoFleetSettings) {}

  async start(count: number): Promise<void> {
    const ports = await freePorts(count);
    await Promise.all(ports.map((port) => this.launch(port)));
  }

  /** Kills one instance with SIGKILL and starts a new one in its stead. */
  async replaceOne(onKilled: (victim: DemoInstance) => void): Promise<void> {
    const victim = pickOne(this.serving, this.settings.random);
    if (!victim) throw new Error('there is no instance to kill');
    await victim.kill();
    this.killed++;
    onKilled(victim);
    await this.start(1);
  }

  get isGone(): boolean {
    return this.instances.every(({ hasExited }) => hasExited);
  }

  pickUrl(): string | undefined {
    return pickOne(this.serving, this.settings.random)?.url;
  }

  /**
   * Stops all instances.
   * @returns those that ignored SIGTERM and had to be killed
   */
  async stop(): Promise<DemoInstance[]> {
    const running = this.instances.filter(({ hasExited }) => !hasExited);
    const stopped = await Promise.all(running.map((instance) => instance.stop()));
    return running.filter((_, index) => !stopped[index]);
  }

  /** Kills all instances in the last moment of this process, when nothing can be awaited any more. */
  killAll(): void {
    for (const instance of this.instances) instance.signal('SIGKILL');
  }

  private get serving(): DemoInstance[] {
    return this.instances.filter(({ isServing }) => isServing);
  }

  private async launch(port: number): Promise<void> {
    const { entry, environment } = this.settings;
    const instance = new DemoInstance({
      id: `demo-${this.tag}-${this.instances.length + 1}`,
      port,
      entry,
      environment,
    });
    this.instances.push(instance);
    await instance.untilReady();
    void instance.exited.then(() => {
      if (!instance.isDismissed) this.onFallen(instance);
    });
  }
}

/** Finds ports on which nobody listens. All are held until the last is found, so that they differ. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => listen()));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

function listen(): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve(server));
  });
}
