import { setTimeout as delay } from 'node:timers/promises';
import { API_KEY, JWT_SECRET } from '../../support/server.js';
import { ChaosProxy } from '../net/chaos-proxy.js';
import { ChaosInstance } from './instance.js';

export interface SlotOptions {
  readonly index: number;
  /** Read anew for each connection, because the port changes when a standby takes over. */
  readonly database: { readonly url: string; readonly port: number };
  /** Called when an instance that had served ended by itself, or not as it should. */
  readonly onTrouble: (what: string) => void;
  readonly onLine: (line: string) => void;
}

const RELAUNCH_MS = 200;

/** The place of one instance, as an orchestrator sees it: whenever the process ends, another one is started. */
export class Slot {
  /** The present process, or the last one. */
  instance: ChaosInstance | undefined;
  /** The environment of processes to come, over the usual. */
  environment: Readonly<Record<string, string>> = {};
  private isWanted = false;
  private supervision: Promise<void> | undefined;

  private constructor(
    private readonly options: SlotOptions,
    /** The proxy between the instance and PostgreSQL. */
    readonly database: ChaosProxy,
    /** The proxy of the LISTEN connection alone. */
    readonly listen: ChaosProxy,
  ) {}

  static async make(options: SlotOptions): Promise<Slot> {
    const port = (): number => options.database.port;
    const [database, listen] = await Promise.all([ChaosProxy.start(port), ChaosProxy.start(port)]);
    return new Slot(options, database, listen);
  }

  get name(): string {
    return `instance ${this.options.index}`;
  }

  get isServing(): boolean {
    return this.instance?.isServing ?? false;
  }

  /** The port on which clients find the instance; undefined while nobody is there. */
  get port(): number | undefined {
    return this.instance?.port;
  }

  open(): void {
    this.isWanted = true;
    this.supervision ??= this.supervise();
  }

  /** Ends the process and its proxies for good. */
  async close(): Promise<void> {
    this.isWanted = false;
    await this.instance?.dismiss('SIGKILL');
    await this.supervision;
    this.database.stop();
    this.listen.stop();
  }

  /** Drains the process; the next one is started with this environment. */
  async replace(environment: Readonly<Record<string, string>> = {}): Promise<void> {
    this.environment = environment;
    const drained = this.instance;
    const { code } = (await drained?.dismiss('SIGTERM')) ?? { code: 0 };
    if (code !== 0) this.options.onTrouble(`${this.name} drained with exit code ${code}\n${drained?.lastLines}`);
  }

  /** Makes the environment of a process that does not belong to this slot. */
  environmentOf(more: Readonly<Record<string, string>>): Record<string, string> {
    const through = (proxy: ChaosProxy): string => {
      const url = new URL(this.options.database.url);
      url.port = String(proxy.port);
      return url.href;
    };
    return {
      NODE_ENV: 'test',
      HOST: '127.0.0.1',
      PORT: '0',
      JWT_SECRET,
      API_KEYS: `chaos:${API_KEY}`,
      DATABASE_URL: through(this.database),
      DATABASE_DIRECT_URL: through(this.listen),
      ...more,
    };
  }

  private async supervise(): Promise<void> {
    while (this.isWanted) {
      const instance = new ChaosInstance(this.environmentOf(this.environment), this.options.onLine);
      this.instance = instance;
      const hasServed = await instance.serving.then(
        () => true,
        // Without a database no process can start; the next one tries again.
        () => false,
      );
      const { code, signal } = await instance.exited;
      if (hasServed && !instance.isDismissed)
        this.options.onTrouble(`${this.name} ended by itself (${code ?? signal})\n${instance.lastLines}`);
      if (this.isWanted) await delay(RELAUNCH_MS);
    }
  }
}
