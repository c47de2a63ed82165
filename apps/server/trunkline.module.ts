import { Global, Module, type DynamicModule, type Provider } from '@nestjs/common';
import { ApiKeys, Tokens } from '#auth';
import { CleanupModule, JobRunner, Jobs } from '#cleanup';
import { SETTINGS, type ResolvedSettings } from '#config';
import { Heartbeats, Lease, Peers, Presence, Registry, Sessions } from '#connection-manager';
import { Database, Listener } from '#database';
import { Delivery } from '#delivery';
import { GatewayModule } from '#gateway';
import { HealthModule, Readiness, WATCHED_JOBS } from '#health';
import { DeadLetters, Groups, JobDiary, MessageLog, Outbox, Retention } from '#message-persistence';
import { LOGGER, METER, RequestLog } from '#observability';
import type { Parts } from './assemble.js';

/** The only place where everything meets. */
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
      { provide: MessageLog, useValue: parts.messages },
      { provide: Groups, useValue: parts.groups },
      { provide: DeadLetters, useValue: parts.deadLetters },
      { provide: Outbox, useValue: parts.outbox },
      { provide: Retention, useValue: parts.retention },
      { provide: Delivery, useValue: parts.delivery },
      { provide: Jobs, useValue: parts.jobs },
      { provide: JobRunner, useValue: parts.jobRunner },
      { provide: JobDiary, useValue: parts.diary },
      { provide: Tokens, useValue: parts.tokens },
      { provide: ApiKeys, useValue: parts.apiKeys },
      { provide: Readiness, useValue: parts.readiness },
      { provide: WATCHED_JOBS, useValue: parts.jobs.noted },
    ];
    return { module: TrunklineModule, providers, exports: providers };
  }
}
