import type { Settings } from '#config';
import { Readiness } from '#health';
import type { Logger } from '#observability';
import { welcome } from './front-page.js';
import { Instance } from './instance.js';
import { Metrics } from './metrics.js';
import { resolveSettings, SAY_SO, type Resolved } from './resolve-settings.js';
import { WaitingRoom } from './waiting-room.js';

/**
 * What one process serves: one instance after the other. An instance that lost its lease was given up by its peers, who
 * took its clients over: it is over, and the next one begins under a new identity, on the same port and database.
 */
export class Service {
  private resolved: Resolved | undefined;
  private instance: Instance | undefined;
  private readonly metrics: Metrics;
  private change: Promise<void> = Promise.resolve();
  private readonly stopping = new AbortController();
  private readonly readiness = new Readiness();

  constructor(
    private readonly settings: Settings,
    private readonly logger: Logger,
    /** It could not go on under a new identity. */
    private readonly onFailure: (error: unknown) => void,
    /** An operator wants the process to end. */
    private readonly onDrain: () => void,
  ) {
    this.metrics = new Metrics(settings.metrics, logger);
  }

  /** Resolves once it serves. */
  start(): Promise<void> {
    this.change = this.begin();
    return this.change;
  }

  get isStopping(): boolean {
    return this.stopping.signal.aborted;
  }

  /** Drains the instance and stops it, within the drain timeout; the embedded database last. */
  async stop(): Promise<void> {
    this.stopping.abort();
    // Whoever waits for the change hears how it ended.
    await this.change.catch(() => undefined);
    await this.instance?.stop();
    await this.metrics.stop();
    await this.resolved?.embedded?.stop();
  }

  private async begin(): Promise<void> {
    const port = await this.resolve();
    await this.metrics.start();
    if (this.resolved) await this.launch({ ...this.resolved.settings, port });
  }

  /** @returns the port to serve on: the one where probes were answered while the database was waited for */
  private async resolve(): Promise<number> {
    const room = new WaitingRoom();
    let { port } = this.settings;
    const onWaiting = async (line: string): Promise<void> => {
      port = await room.open(port, this.settings.host);
      await SAY_SO.onWaiting(line);
    };
    try {
      this.resolved = await resolveSettings(this.settings, this.logger, { onWaiting, signal: this.stopping.signal });
    } finally {
      await room.close();
    }
    return port;
  }

  private async launch(settings: Resolved['settings']): Promise<void> {
    if (this.isStopping) return;
    const onLeaseLost = (): void => {
      this.change = this.replace(instance, settings);
      this.change.catch(this.onFailure);
    };
    const { readiness, metrics, onDrain } = this;
    const instance = await Instance.start(settings, this.logger, { readiness, metrics, onDrain, onLeaseLost });
    this.instance = instance;
    const url = await instance.url();
    const docs = settings.rest.hasDocs ? `${url}/docs` : undefined;
    this.logger.info({ instanceId: instance.id, url, docs, metrics: metrics.url(url) }, 'serving');
    if (process.stdout.isTTY && !settings.isProduction) {
      process.stdout.write(`${welcome(url, this.resolved?.embedded !== undefined).join('\n')}\n`);
    }
  }

  private async replace(lost: Instance, settings: Resolved['settings']): Promise<void> {
    const startedAt = performance.now();
    // Read before it is closed: with PORT=0 the address would be another one.
    const port = Number(new URL(await lost.url()).port);
    this.instance = undefined;
    await lost.abandon();
    const ms = Math.round(performance.now() - startedAt);
    this.logger.warn({ instanceId: lost.id, ms }, 'lease lost: fenced, going on under a new identity');
    await this.launch({ ...settings, port });
  }
}
