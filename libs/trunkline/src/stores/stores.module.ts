import { Global, Module, type DynamicModule, type Provider } from '@nestjs/common';
import { AuditModule } from '#admin';
import { CleanupModule } from '#cleanup';
import { SETTINGS, type Settings } from '#config';
import { INSTANCE_ID, Peers, Registry, Sessions } from '#connection-manager';
import { Database } from '#database';
import { SuspectList } from '#limits';
import {
  Backlog,
  DeadLetters,
  Devices,
  Erasure,
  Groups,
  Inventory,
  MessageLog,
  MessageSearch,
  MessageStats,
  Outbox,
  Retention,
} from '#message-persistence';
import { LOGGER, METER, type Logger, type Meter } from '#observability';
import type { Stores } from './make-stores.js';

/** The stores with what they were made of. */
export interface StoresOf extends Stores {
  readonly instanceId: string;
  readonly log: Logger;
  readonly meter: Meter;
  readonly database: Database;
}

/** The stores, and the jobs that clean them up: the part that an instance and the command line have in common. */
@Global()
@Module({ imports: [CleanupModule, AuditModule] })
export class StoresModule {
  static forRoot(settings: Settings, stores: StoresOf): DynamicModule {
    const providers: Provider[] = [
      { provide: SETTINGS, useValue: settings },
      { provide: INSTANCE_ID, useValue: stores.instanceId },
      { provide: LOGGER, useValue: stores.log },
      { provide: METER, useValue: stores.meter },
      { provide: Database, useValue: stores.database },
      { provide: Registry, useValue: stores.registry },
      { provide: Peers, useValue: stores.peers },
      { provide: Sessions, useValue: stores.sessions },
      { provide: MessageLog, useValue: stores.messages },
      { provide: MessageSearch, useValue: stores.search },
      { provide: Groups, useValue: stores.groups },
      { provide: Devices, useValue: stores.devices },
      { provide: DeadLetters, useValue: stores.deadLetters },
      { provide: Outbox, useValue: stores.outbox },
      { provide: Retention, useValue: stores.retention },
      { provide: Inventory, useValue: stores.inventory },
      { provide: Erasure, useValue: stores.erasure },
      { provide: MessageStats, useValue: stores.messageStats },
      { provide: Backlog, useValue: stores.backlog },
      { provide: SuspectList, useValue: stores.suspectList },
    ];
    return { module: StoresModule, providers, exports: providers };
  }
}
