export { AdminModule } from './admin.module.js';
export { AuditLog } from './audit-log.js';
export { AuditModule } from './audit.module.js';
