import { Global, Module, type DynamicModule, type Provider } from '@nestjs/common';
import { AdminModule } from '#admin';
import { Tokens } from '#auth';
import type { ResolvedSettings } from '#config';
import { Bans, Heartbeats, InstanceCommands, Lease, Notifier, Presence, RegistryQueries } from '#connection-manager';
import { Delivery, Timelines } from '#delivery';
import { GatewayModule } from '#gateway';
import { HealthModule, Readiness } from '#health';
import { FairQueue, SharedLimits, Suspects } from '#limits';
import { RequestLog } from '#observability';
import type { Parts } from './assemble.js';
import { StoresModule } from '../stores/stores.module.js';

/** The root module of one instance, where the parts of all libs meet. */
@Global()
@Module({ imports: [GatewayModule, HealthModule] })
export class InstanceModule {
  static forRoot(settings: ResolvedSettings, parts: Parts): DynamicModule {
    const providers: Provider[] = [
      { provide: RequestLog, useValue: parts.requestLog },
      { provide: Notifier, useValue: parts.notifier },
      { provide: Lease, useValue: parts.lease },
      { provide: Heartbeats, useValue: parts.heartbeats },
      { provide: Presence, useValue: parts.presence },
      { provide: SharedLimits, useValue: parts.sharedLimits },
      { provide: Delivery, useValue: parts.delivery },
      { provide: Timelines, useValue: parts.timelines },
      { provide: FairQueue, useValue: parts.fairQueue },
      { provide: Tokens, useValue: parts.tokens },
      { provide: Suspects, useValue: parts.suspects },
      { provide: Readiness, useValue: parts.readiness },
      { provide: Bans, useValue: parts.bans },
      { provide: RegistryQueries, useValue: parts.registryQueries },
      { provide: InstanceCommands, useValue: parts.commands },
    ];
    const admin = settings.admin.keys.length === 0 ? [] : [AdminModule];
    const imports = [StoresModule.forRoot(settings, parts), ...admin];
    return { module: InstanceModule, imports, providers, exports: providers };
  }
}
