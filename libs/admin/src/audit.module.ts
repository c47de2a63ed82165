import { Global, Module } from '@nestjs/common';
import { ChangeLog } from '#http';
import { AuditLog } from './audit-log.js';
import { AuditJob } from './audit.job.js';

/** The audit of changes, which back ends make as well: it is there whether or not there is an admin REST. */
@Global()
@Module({
  providers: [AuditLog, AuditJob, { provide: ChangeLog, useExisting: AuditLog }],
  exports: [AuditLog, ChangeLog],
})
export class AuditModule {}
