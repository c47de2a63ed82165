import { Injectable } from '@nestjs/common';
import { HealthIndicatorService, type HealthIndicatorResult } from '@nestjs/terminus';
import { Jobs } from '#cleanup';
import { Lease, Notifier } from '#connection-manager';
import { HealthProbes, type BacklogProbe } from './health-probes.js';
import { Readiness } from './readiness.js';

/** When the notification queue is fuller than half, hints arrive late; when it is full, NOTIFY fails. */
const QUEUE_MAX = 0.5;
const EVENT_LOOP_SLOW_MS = 200;
/** Delivery is promised within two seconds, so a message that waits this long is a failure. */
const UNDELIVERED_MAX_MS = 30_000;
const AHEAD_MIN_DAYS = 1;
/** A job may miss two runs before it counts as stale. */
const JOB_MAX_TURNS = 3;
const JOB_TOLERANCE_MS = 30_000;

type Outcome = HealthIndicatorResult | Promise<HealthIndicatorResult>;

/**
 * Reports each part as up, degraded (it serves, but somebody should look) or down, with a number or a word of our own.
 * Strangers may read the report, so it holds no address, no version and no text of PostgreSQL.
 */
@Injectable()
export class Indicators {
  private readonly startedMs = performance.now();
  /** The last success of a job may be this old. */
  private readonly maxAgesMs: ReadonlyMap<string, number>;

  constructor(
    private readonly health: HealthIndicatorService,
    private readonly probes: HealthProbes,
    private readonly notifier: Notifier,
    private readonly held: Lease,
    private readonly readiness: Readiness,
    jobs: Jobs,
  ) {
    this.maxAgesMs = new Map(
      jobs.noted.map(({ name, periodMs }) => [name, periodMs * JOB_MAX_TURNS + JOB_TOLERANCE_MS]),
    );
  }

  readonly startup = (): Outcome => this.say('startup', this.readiness.hasStarted);

  readonly instance = (): Outcome => {
    const { state, isReady } = this.readiness;
    return this.say('instance', isReady, { state });
  };

  readonly database = async (): Promise<HealthIndicatorResult> => {
    const answer = await this.probes.databaseProbe.read();
    return this.say(
      'database',
      answer?.is_writable === true,
      answer?.is_writable === false ? { state: 'read-only' } : {},
    );
  };

  /** Down when a table was dropped or a right taken away, because some requests can then never be answered. */
  readonly schema = (): Outcome => {
    const isComplete = this.probes.isSchemaComplete;
    return this.say('schema', isComplete, isComplete ? {} : { state: 'incomplete' });
  };

  /** Down while LISTEN is lost, although polling still serves; an instance that is meant to poll is up. */
  readonly listener = (): Outcome => {
    const { state } = this.notifier;
    return this.say('listener', state !== 'lost', { mode: state === 'listening' ? 'listening' : 'polling' });
  };

  readonly lease = (): Outcome => this.say('lease', this.held.isHeld);

  readonly pools = (): Outcome => {
    const { short, busy } = this.probes.pools;
    return this.grade('pools', short.length === 0, { busy });
  };

  readonly eventLoop = (): Outcome => {
    const { medianMs, isStuck } = this.probes.eventLoop;
    const delayMs = Math.round(medianMs);
    if (isStuck) return this.health.check('eventLoop').down({ delayMs });
    return this.grade('eventLoop', medianMs < EVENT_LOOP_SLOW_MS, { delayMs });
  };

  /** A slow event loop is no reason for a restart; only one that is stuck is. */
  readonly liveness = (): Outcome => this.say('eventLoop', !this.probes.eventLoop.isStuck);

  readonly notifications = async (): Promise<HealthIndicatorResult> => {
    const answer = await this.probes.databaseProbe.read();
    const usage = answer?.queue_usage ?? 0;
    return this.grade('notifications', usage < QUEUE_MAX, { queuePercent: Math.round(usage * 100) });
  };

  readonly undelivered = (): Outcome =>
    this.ask('undelivered', ({ outboxAgeMs, unreadAgeMs }) => {
      const oldestMs = Math.round(Math.max(outboxAgeMs, unreadAgeMs));
      return [oldestMs < UNDELIVERED_MAX_MS, { oldestMs }];
    });

  readonly partitions = (): Outcome =>
    this.ask('partitions', ({ partitionsAheadDays: aheadDays }) => [aheadDays >= AHEAD_MIN_DAYS, { aheadDays }]);

  readonly jobs = (): Outcome =>
    this.ask('jobs', (probe) => {
      const states = [...this.maxAgesMs].map(([job, maxMs]) => [job, this.isFresh(probe.jobAgesMs.get(job), maxMs)]);
      return [states.every(([, state]) => state === 'fresh'), Object.fromEntries(states) as Record<string, unknown>];
    });

  readonly all: (() => Outcome)[] = [
    ...[this.instance, this.database, this.schema, this.listener, this.lease, this.pools, this.eventLoop],
    ...[this.notifications, this.undelivered, this.partitions, this.jobs],
  ];

  /** A job is not stale before this instance has had the time to run it. */
  private isFresh(ageMs = Infinity, maxMs: number): 'fresh' | 'stale' {
    return Math.min(ageMs, performance.now() - this.startedMs) < maxMs ? 'fresh' : 'stale';
  }

  private async ask(
    key: string,
    judge: (probe: BacklogProbe) => [isUp: boolean, data: Record<string, unknown>],
  ): Promise<HealthIndicatorResult> {
    const probe = await this.probes.backlogProbe.read();
    return probe ? this.say(key, ...judge(probe)) : this.say(key, false, { state: 'unknown' });
  }

  private say(key: string, isUp: boolean, data: Record<string, unknown> = {}): HealthIndicatorResult {
    const session = this.health.check(key);
    return isUp ? session.up(data) : session.down(data);
  }

  private grade(key: string, isUp: boolean, data: Record<string, unknown>): HealthIndicatorResult {
    const session = this.health.check(key);
    return isUp ? session.up(data) : session.degraded(data);
  }
}
