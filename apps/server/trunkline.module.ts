import { Global, Module, type DynamicModule, type Provider } from '@nestjs/common';
import { AdminJobs, AdminModule } from '#admin';
import { Tokens } from '#auth';
import { CleanupModule, JobRunner, Jobs } from '#cleanup';
import { SETTINGS, type ResolvedSettings } from '#config';
import { Bans, Census, Heartbeats, Lease, Orders, Peers, Presence, Registry, Sessions } from '#connection-manager';
import { Database, Listener } from '#database';
import { Delivery, Timelines } from '#delivery';
import { GatewayModule } from '#gateway';
import { HealthModule, Readiness, WATCHED_JOBS } from '#health';
import { FairQueue, SharedLimits } from '#limits';
import {
  AdminAudit,
  Backlog,
  DeadLetters,
  Directory,
  Erasure,
  Groups,
  JobDiary,
  MessageLog,
  MessageSearch,
  Outbox,
  Retention,
  Traffic,
} from '#message-persistence';
import { SuspectList, Suspects } from '#limits';
import { LOGGER, METER, RequestLog } from '#observability';
import { JobsByHand } from './jobs-by-hand.js';
import type { Parts } from './assemble.js';

/** The root module, where the parts of all libs meet. */
@Global()
@Module({ imports: [GatewayModule, HealthModule, CleanupModule] })
export class TrunklineModule {
  static forRoot(settings: ResolvedSettings, parts: Parts): DynamicModule {
    const providers: Provider[] = [
      { provide: SETTINGS, useValue: settings },
      { provide: LOGGER, useValue: parts.log },
      { provide: METER, useValue: parts.meter },
      { provide: RequestLog, useValue: parts.requestLog },
      { provide: Database, useValue: parts.database },
      { provide: Listener, useValue: parts.listener },
      { provide: Lease, useValue: parts.lease },
      { provide: Registry, useValue: parts.registry },
      { provide: Peers, useValue: parts.peers },
      { provide: Heartbeats, useValue: parts.heartbeats },
      { provide: Sessions, useValue: parts.sessions },
      { provide: Presence, useValue: parts.presence },
      { provide: SharedLimits, useValue: parts.sharedLimits },
      { provide: MessageLog, useValue: parts.messages },
      { provide: Groups, useValue: parts.groups },
      { provide: DeadLetters, useValue: parts.deadLetters },
      { provide: Outbox, useValue: parts.outbox },
      { provide: Retention, useValue: parts.retention },
      { provide: Delivery, useValue: parts.delivery },
      { provide: Timelines, useValue: parts.timelines },
      { provide: FairQueue, useValue: parts.turns },
      { provide: Jobs, useValue: parts.jobs },
      { provide: JobRunner, useValue: parts.jobRunner },
      { provide: JobDiary, useValue: parts.diary },
      { provide: Tokens, useValue: parts.tokens },
      { provide: AdminAudit, useValue: parts.audit },
      { provide: Suspects, useValue: parts.suspects },
      { provide: Readiness, useValue: parts.readiness },
      { provide: WATCHED_JOBS, useValue: parts.jobs.noted },
    ];
    if (settings.admin.keys.length === 0) return { module: TrunklineModule, providers, exports: providers };
    const all = [...providers, ...adminProviders(parts)];
    return { module: TrunklineModule, imports: [AdminModule], providers: all, exports: all };
  }
}

/** Provides what only the admin REST needs. */
function adminProviders(parts: Parts): Provider[] {
  return [
    { provide: SuspectList, useValue: parts.suspectList },
    { provide: AdminJobs, useValue: new JobsByHand(parts.jobs, parts.jobRunner) },
    { provide: Bans, useValue: parts.bans },
    { provide: Census, useValue: parts.census },
    { provide: Orders, useValue: parts.orders },
    { provide: Directory, useValue: parts.directory },
    { provide: MessageSearch, useValue: parts.search },
    { provide: Erasure, useValue: parts.erasure },
    { provide: Traffic, useValue: parts.traffic },
    { provide: Backlog, useValue: parts.backlog },
  ];
}
