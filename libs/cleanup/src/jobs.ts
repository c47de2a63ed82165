import type { Settings } from '#config';
import type { Peers, Registry, Sessions } from '#connection-manager';
import type { SuspectList } from '#limits';
import type { AdminAudit, Devices, JobDiary, Retention } from '#message-persistence';
import type { Job } from './job.js';
import { DeadInstancesJob } from './jobs/dead-instances.job.js';
import { DedupeWindowJob } from './jobs/dedupe-window.job.js';
import { EndedSessionsJob } from './jobs/ended-sessions.job.js';
import { ExpiredMessagesJob } from './jobs/expired-messages.job.js';
import { IdleDevicesJob } from './jobs/idle-devices.job.js';
import { JobRunsJob } from './jobs/job-runs.job.js';
import { OrphansJob } from './jobs/orphans.job.js';
import { PartitionsJob } from './jobs/partitions.job.js';
import { StaleConnectionsJob } from './jobs/stale-connections.job.js';

export interface CleanupStores {
  readonly peers: Peers;
  readonly registry: Registry;
  readonly sessions: Pick<Sessions, 'endOverdue' | 'forgetEnded' | 'forgetTokens' | 'forgetBans'>;
  readonly retention: Retention;
  readonly devices: Devices;
  readonly diary: JobDiary;
  readonly audit: Pick<AdminAudit, 'forget'>;
  readonly suspectList: Pick<SuspectList, 'forget'>;
}

/** All cleanup jobs of an instance. */
export class Jobs {
  readonly list: readonly Job[];
  /** Every instance runs this job for itself, for the reasons that {@link DeadInstancesJob} gives. */
  readonly deadInstances: DeadInstancesJob;

  /**
   * All jobs but the one that each instance runs for itself, because that one records only runs that found something.
   */
  get noted(): readonly Job[] {
    return this.list.filter((job) => job !== this.deadInstances);
  }

  constructor({ cron, idleDeviceDays, connectionTimeoutMs }: Settings['cleanup'], stores: CleanupStores) {
    const { peers, retention, diary, sessions, audit, suspectList } = stores;
    this.deadInstances = new DeadInstancesJob(cron.deadInstances, peers);
    this.list = [
      this.deadInstances,
      new ExpiredMessagesJob(cron.expiredMessages, retention),
      new PartitionsJob(cron.partitions, retention),
      new DedupeWindowJob(cron.dedupeWindow, retention),
      new IdleDevicesJob({ ...stores, cron: cron.idleDevices, idleDays: idleDeviceDays }),
      new StaleConnectionsJob(cron.staleConnections, peers, connectionTimeoutMs),
      new EndedSessionsJob(cron.endedSessions, sessions),
      new OrphansJob(cron.orphans, peers),
      new JobRunsJob(cron.jobRuns, diary, audit, suspectList),
    ];
  }
}
