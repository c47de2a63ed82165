import { Inject, Injectable } from '@nestjs/common';
import { HealthIndicatorService, type HealthIndicatorResult } from '@nestjs/terminus';
import { CronTime } from 'cron';
import { SETTINGS, type ResolvedSettings } from '#config';
import { Lease } from '#connection-manager';
import { Database, Listener, statement } from '#database';
import { JobDiary } from '#message-persistence';
import { Readiness } from './readiness.js';

const PING = statement<never>('ping', 'select 1');
const DEADLINE_MS = 2_000;
/** However many probes there are, the database is asked once in this time. */
const FRESH_MS = 1_000;
/** A turn of the job may be missed. */
const CLEANUP_MAX_TURNS = 3;
const CLEANUP_TOLERANCE_MS = 30_000;

type Outcome = HealthIndicatorResult | Promise<HealthIndicatorResult>;

/** What health is made of; the database is asked on a connection of its own, which load cannot take away. */
@Injectable()
export class Indicators {
  constructor(
    @Inject(SETTINGS) private readonly settings: ResolvedSettings,
    @Inject(HealthIndicatorService) private readonly health: HealthIndicatorService,
    @Inject(Database) private readonly connections: Database,
    @Inject(Listener) private readonly listen: Listener,
    @Inject(Lease) private readonly held: Lease,
    @Inject(JobDiary) private readonly diary: JobDiary,
    @Inject(Readiness) private readonly readiness: Readiness,
  ) {}

  readonly instance = (): Outcome => this.say('instance', this.readiness.isReady);

  readonly listener = (): Outcome => this.say('listener', this.listen.isListening);

  readonly lease = (): Outcome => this.say('lease', this.held.isHeld);

  readonly database = (): Outcome => this.ask('database', () => this.connections.rows('health', PING));

  readonly cleanup = (): Outcome =>
    this.ask('cleanup', async () => {
      const runs = await this.diary.lastRuns();
      const periodMs = periodOf(this.settings.cleanup.cron.expiredMessages);
      const maxAgeMs = periodMs * CLEANUP_MAX_TURNS + CLEANUP_TOLERANCE_MS;
      const isFresh = runs.some(({ job, age_ms }) => job === 'expired-messages' && age_ms < maxAgeMs);
      const hasJustStarted = performance.now() < maxAgeMs;
      if (!isFresh && !hasJustStarted) throw new Error('no cleanup lately');
    });

  private say(key: string, isUp: boolean): HealthIndicatorResult {
    const session = this.health.check(key);
    return isUp ? session.up() : session.down();
  }

  /** Up or down and no reason: a probe may be a stranger's. */
  private async ask(key: string, question: () => Promise<unknown>): Promise<HealthIndicatorResult> {
    const result = await this.health
      .check(key)
      .attempt(async () => void (await question()))
      .withTimeout(DEADLINE_MS)
      .cacheFor(FRESH_MS);
    return this.say(key, result[key]?.status === 'up');
  }
}

function periodOf(cron: string): number {
  const [first, second] = new CronTime(cron).sendAt(2);
  return first && second ? second.toMillis() - first.toMillis() : 0;
}
