import { Inject } from '@nestjs/common';
import { CleanupJob, type JobReport, type JobWork } from '#cleanup';
import { SETTINGS, type Settings } from '#config';
import { AuditLog } from './audit-log.js';

@CleanupJob({
  name: 'audit',
  does: 'forgets what operators did after ADMIN_AUDIT_DAYS',
  cron: (crons) => crons.jobRuns,
})
export class AuditJob implements JobWork {
  constructor(
    private readonly auditLog: AuditLog,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  async runOnce(isDryRun: boolean): Promise<JobReport> {
    return { rows: await this.auditLog.forget(this.settings.admin.auditDays, isDryRun) };
  }
}
