import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { Settings } from '#config';
import type { Database } from '#database';
import { NO_METER, type Logger } from '#observability';
import { makeStores } from './make-stores.js';
import { StoresModule } from './stores.module.js';

/**
 * The cleanup jobs for a program that is no instance: those that instances have, because both find them in the same
 * modules. The caller closes it, and the database after it.
 */
export async function openCleanup(
  settings: Settings,
  database: Database,
  instanceId: string,
  log: Logger,
): Promise<INestApplicationContext> {
  const stores = makeStores(database, settings, instanceId);
  const module = StoresModule.forRoot(settings, { ...stores, instanceId, log, meter: NO_METER, database });
  return NestFactory.createApplicationContext(module, { logger: false, abortOnError: false });
}
