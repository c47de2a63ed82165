import { Inject, Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { JobHistory, Jobs } from '#cleanup';
import { Database } from '#database';
import { Delivery } from '#delivery';
import { Outbox, Retention } from '#message-persistence';
import { LOGGER, Snapshot, throttledWarn, type Logger } from '#observability';
import { EventLoop, TICK_MS } from './event-loop.js';
import { PoolWatch } from './pool-watch.js';
import { PROBE_DATABASE, type DatabaseProbeRow } from './sql/probe-database.sql.js';

/** An answer is kept only until the next question is due, because an older one would hide an outage. */
const DATABASE_PROBE = { everyMs: 1_000, keepMs: 1_000, waitMs: 2_000 };
const BACKLOG_PROBE = { everyMs: 10_000, keepMs: 10_000, waitMs: 3_000 };
const WARN_EVERY_MS = 60_000;
/**
 * The schema counts as incomplete for this long after a misfit. The loops meet a lasting one again within seconds; one
 * that only a job meets shows as a stale job.
 */
const MISFIT_MS = 60_000;

/** These values are read from tables and change slowly. */
export interface BacklogProbe {
  /** Milliseconds since each job last succeeded; undefined means never, as far as the job history goes back. */
  readonly jobAgesMs: ReadonlyMap<string, number | undefined>;
  /** Days after today for which every table has a partition; a negative number means that today lacks one. */
  readonly partitionsAheadDays: number;
  /** How long the first due message of the outbox has waited to be moved into its channel. */
  readonly outboxAgeMs: number;
  /** How long the oldest message that this instance has readers for has waited to be read, in a sample of channels. */
  readonly unreadAgeMs: number;
}

/**
 * Probes what health reports. The database is asked on a pool of its own, which load cannot take away, and only while
 * somebody wants to know: one short statement a second at most, and four more every ten seconds for `/health`.
 */
@Injectable()
export class HealthProbes implements OnModuleInit, OnApplicationShutdown {
  readonly eventLoop = new EventLoop();
  readonly pools: PoolWatch;
  readonly databaseProbe: Snapshot<DatabaseProbeRow | undefined>;
  readonly backlogProbe: Snapshot<BacklogProbe>;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly database: Database,
    private readonly delivery: Delivery,
    private readonly history: JobHistory,
    private readonly outbox: Outbox,
    private readonly retention: Retention,
    private readonly jobs: Jobs,
    @Inject(LOGGER) logger: Logger,
  ) {
    this.pools = new PoolWatch(() => database.use());
    const warn = throttledWarn(logger, WARN_EVERY_MS);
    const onError = (error: unknown): void => warn('health could not ask the database', error);
    this.databaseProbe = new Snapshot(() => this.probeDatabase(), { ...DATABASE_PROBE, onError });
    this.backlogProbe = new Snapshot(() => this.probeBacklog(), { ...BACKLOG_PROBE, onError });
  }

  onModuleInit(): void {
    this.timer = setInterval(() => {
      this.eventLoop.tick();
      this.pools.look();
    }, TICK_MS);
    this.timer.unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  /** False for a while after a statement found a table, a column, a function or a right missing. */
  get isSchemaComplete(): boolean {
    return this.database.sinceMisfitMs > MISFIT_MS;
  }

  private async probeDatabase(): Promise<DatabaseProbeRow | undefined> {
    const [row] = await this.database.rows(PROBE_DATABASE);
    return row;
  }

  /** The statements run one after the other, so that the second connection of the pool stays free for the probe. */
  private async probeBacklog(): Promise<BacklogProbe> {
    return {
      jobAgesMs: await this.history.agesMs(this.jobs.noted.map(({ name }) => name)),
      partitionsAheadDays: await this.retention.partitionsAheadDays(),
      outboxAgeMs: await this.outbox.oldestDueMs(),
      unreadAgeMs: await this.delivery.oldestUnreadMs(),
    };
  }
}
