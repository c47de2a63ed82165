import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { Peers } from '#connection-manager';
import { Retention } from '#message-persistence';
import type { Job } from './job.js';
import { JobRunner } from './job-runner.js';

const EVERY_MS = 10 * 60_000;

/** Makes partitions before they are needed, drops those past retention, and sweeps up rows of unregistered instances. */
@Injectable()
export class PartitionsJob implements Job, OnApplicationBootstrap {
  readonly name = 'partitions';

  constructor(
    @Inject(Retention) private readonly retention: Retention,
    @Inject(Peers) private readonly peers: Peers,
    @Inject(JobRunner) private readonly runner: JobRunner,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.tick();
  }

  @Interval(EVERY_MS)
  async tick(): Promise<void> {
    await this.runner.run(this);
  }

  async runOnce(): Promise<number> {
    const made = await this.retention.makePartitions();
    const dropped = await this.retention.dropPartitions();
    return made + dropped + (await this.peers.removeOrphans());
  }
}
