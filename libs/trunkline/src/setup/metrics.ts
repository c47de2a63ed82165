import type { Settings } from '#config';
import {
  METRICS_PATH,
  MetricsEndpoint,
  MetricsServer,
  NO_METER,
  PrometheusMeter,
  type Logger,
  type Meter,
} from '#observability';

/** The metrics of the process and the endpoint that serves them. They outlast an instance that is replaced. */
export class Metrics {
  readonly meter: Meter;
  /** The endpoint on the port of the server; undefined if metrics are off or have a port of their own. */
  readonly mainEndpoint: MetricsEndpoint | undefined;
  private readonly ownEndpoint: MetricsEndpoint | undefined;
  private server: MetricsServer | undefined;

  constructor(
    private readonly settings: Settings['metrics'],
    logger: Logger,
  ) {
    if (!settings.isOn) {
      this.meter = NO_METER;
      return;
    }
    const meter = (this.meter = new PrometheusMeter());
    const onError = (error: unknown): void => logger.warn({ err: error }, 'metrics not gathered');
    const endpoint = new MetricsEndpoint(meter, settings.token, onError);
    if (settings.port === undefined) this.mainEndpoint = endpoint;
    else this.ownEndpoint = endpoint;
  }

  /** Opens the port for metrics if the settings name one. */
  async start(): Promise<void> {
    const { port, host } = this.settings;
    if (this.ownEndpoint && port !== undefined)
      this.server = await MetricsServer.start(this.ownEndpoint, { host, port });
  }

  async stop(): Promise<void> {
    await this.server?.stop();
  }

  /** The address of the metrics; undefined if they are off. */
  url(mainUrl: string): string | undefined {
    return this.mainEndpoint ? `${mainUrl}${METRICS_PATH}` : this.server?.url;
  }
}
