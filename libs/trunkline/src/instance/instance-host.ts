import type { Settings } from '#config';
import { Readiness } from '#health';
import type { Logger } from '#observability';
import type { Entrance } from '../http/entrance.js';
import { Instance } from './instance.js';
import { Metrics } from '../setup/metrics.js';
import { resolveSettings, SAY_SO, type Resolved } from '../setup/resolve-settings.js';

/** The events that an {@link InstanceHost} tells those who run it. */
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
 * over. It stops, and the next one starts under a new identity, at the same entrance and database.
 */
export class InstanceHost {
  private resolved: Resolved | undefined;
  private instance: Instance | undefined;
  private readonly metrics: Metrics;
  private change: Promise<void> = Promise.resolve();
  private readonly stopping = new AbortController();
  private stopped: Promise<void> | undefined;
  readonly readiness = new Readiness();

  constructor(
    private readonly settings: Settings,
    private readonly logger: Logger,
    private readonly entrance: Entrance,
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

  /** The instance that serves; undefined while there is none, as before the start or between two identities. */
  get current(): Instance | undefined {
    return this.instance;
  }

  /** Drains the instance and stops it within the drain timeout; the embedded database stops last. */
  stop(): Promise<void> {
    return (this.stopped ??= this.end());
  }

  private async end(): Promise<void> {
    this.stopping.abort();
    // An error of a start or a replacement under way is reported there.
    await this.change.catch(() => undefined);
    await this.instance?.stop();
    this.instance = undefined;
    const closed = this.entrance.close();
    this.entrance.cut();
    await closed;
    await this.metrics.stop();
    await this.resolved?.embedded?.stop();
  }

  private async begin(): Promise<void> {
    this.resolved = await this.resolve();
    await this.metrics.start();
    await this.launch(this.resolved.settings);
  }

  /** Resolves the settings. While the database is out of reach, probes are answered at the entrance. */
  private resolve(): Promise<Resolved> {
    const onWaiting = async (line: string): Promise<void> => {
      await this.entrance.open();
      await SAY_SO.onWaiting(line);
    };
    return resolveSettings(this.settings, this.logger, { onWaiting, signal: this.stopping.signal });
  }

  private async launch(settings: Resolved['settings']): Promise<void> {
    if (this.isStopping) return;
    let isLost = false;
    const onLeaseLost = (): void => {
      isLost = true;
      // An instance that is still starting is replaced when its start has ended.
      if (!this.instance) return;
      this.change = this.replace(this.instance, settings);
      this.change.catch(this.events.onFailure);
    };
    const { readiness, metrics, entrance } = this;
    const { onDrain, onServing } = this.events;
    const surroundings = { readiness, metrics, entrance, onDrain, onLeaseLost };
    const instance = await Instance.start(settings, this.logger, surroundings);
    if (isLost) return this.replace(instance, settings);
    this.instance = instance;
    const { url } = entrance;
    const docs = settings.rest.hasDocs ? `${url}/docs` : undefined;
    this.logger.info({ instanceId: instance.id, url, docs, metrics: metrics.url(url) }, 'serving');
    onServing(url, this.resolved?.embedded !== undefined);
  }

  private async replace(lost: Instance, settings: Resolved['settings']): Promise<void> {
    const startedAt = performance.now();
    this.instance = undefined;
    await lost.abandon();
    const ms = Math.round(performance.now() - startedAt);
    this.logger.warn({ instanceId: lost.id, ms }, 'lease lost: fenced, going on under a new identity');
    await this.launch(settings);
  }
}
