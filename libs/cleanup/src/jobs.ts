import { Inject, Injectable } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { SETTINGS, type Settings } from '#config';
import { JOB_DESCRIPTION } from './cleanup-job.js';
import type { Job, JobWork } from './job.js';
import { periodOf } from './period-of.js';

/** The cleanup jobs that the modules of this application provide. */
@Injectable()
export class Jobs {
  private found: readonly Job[] | undefined;

  constructor(
    private readonly discovery: DiscoveryService,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /** All cleanup jobs of an instance. */
  get list(): readonly Job[] {
    return (this.found ??= this.look());
  }

  /** The jobs whose every run is written down, whether it found something or not. */
  get noted(): readonly Job[] {
    return this.list.filter(({ isForEachInstance = false }) => !isForEachInstance);
  }

  find(name: string): Job | undefined {
    return this.list.find((job) => job.name === name);
  }

  private look(): Job[] {
    const providers = this.discovery.getProviders({ metadataKey: JOB_DESCRIPTION.KEY });
    return providers.flatMap((provider) => {
      const description = this.discovery.getMetadataByDecorator(JOB_DESCRIPTION, provider);
      if (!description) return [];
      const cron = description.cron(this.settings.cleanup.cron);
      // The list may be asked for before the jobs themselves are made.
      const runOnce: Job['runOnce'] = (isDryRun) => (provider.instance as JobWork).runOnce(isDryRun);
      return [{ ...description, cron, periodMs: periodOf(cron), runOnce }];
    });
  }
}
