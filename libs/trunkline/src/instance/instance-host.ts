import type { Settings } from '#config';
import { Readiness } from '#health';
import type { Logger } from '#observability';
import { Instance } from './instance.js';
import { Metrics } from '../setup/metrics.js';
import { resolveSettings, SAY_SO, type Resolved } from '../setup/resolve-settings.js';
import { WaitingRoom } from '../http/waiting-room.js';

/** What those who run an {@link InstanceHost} are told. */
export interface InstanceHostEvents {
  /** An instance serves on this address, with an embedded PostgreSQL or another one. */
  readonly onServing: (url: string, isEmbedded: boolean) => void;
  /** It could not go on under a new identity. */
  readonly onFailure: (error: unknown) => void;
  /** An operator wants it to end. */
  readonly onDrain: () => void;
}

/**
 * Runs the instances of a process, one after the other. When an instance loses its lease, its peers take its clients
 * over. It stops, and the next one starts under a new identity, on the same port and database.
 */
export class InstanceHost {
  private resolved: Resolved | undefined;
  private instance: Instance | undefined;
  private readonly metrics: Metrics;
  private change: Promise<void> = Promise.resolve();
  private readonly stopping = new AbortController();
  private readonly readiness = new Readiness();

  constructor(
    private readonly settings: Settings,
    private readonly logger: Logger,
    private readonly events: InstanceHostEvents,
  ) {
    this.metrics = new Metrics(settings.metrics, logger);
  }

  /** Starts the first instance. The promise resolves once it serves. */
  start(): Promise<void> {
    this.change = this.begin();
    return this.change;
  }

  get isStopping(): boolean {
    return this.stopping.signal.aborted;
  }

  /** Drains the instance and stops it within the drain timeout; the embedded database stops last. */
  async stop(): Promise<void> {
    this.stopping.abort();
    // An error of a start or a replacement under way is reported there.
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

  /**
   * Resolves the settings. While the database is out of reach, probes are answered on the port of the server.
   * @returns the port to serve on, which is the one where probes were answered
   */
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
      this.change.catch(this.events.onFailure);
    };
    const { readiness, metrics } = this;
    const { onDrain, onServing } = this.events;
    const instance = await Instance.start(settings, this.logger, { readiness, metrics, onDrain, onLeaseLost });
    this.instance = instance;
    const url = await instance.url();
    const docs = settings.rest.hasDocs ? `${url}/docs` : undefined;
    this.logger.info({ instanceId: instance.id, url, docs, metrics: metrics.url(url) }, 'serving');
    onServing(url, this.resolved?.embedded !== undefined);
  }

  private async replace(lost: Instance, settings: Resolved['settings']): Promise<void> {
    const startedAt = performance.now();
    // The port is read before the instance closes, because with PORT=0 the next one would get another.
    const port = Number(new URL(await lost.url()).port);
    this.instance = undefined;
    await lost.abandon();
    const ms = Math.round(performance.now() - startedAt);
    this.logger.warn({ instanceId: lost.id, ms }, 'lease lost: fenced, going on under a new identity');
    await this.launch({ ...settings, port });
  }
}
