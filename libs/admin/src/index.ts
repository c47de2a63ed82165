export { AuditLog } from './admin-audit.js';
export { AdminModule } from './admin.module.js';
export { AuditModule } from './audit.module.js';
