export { Action, AuditInterceptor, type KeyedRequest } from './audit.interceptor.js';
export { countFaults } from './count-faults.js';
export { Documented } from './documented.js';
export { FaultFilter } from './fault.filter.js';
export { jsonOf, keepJson } from './json-body.js';
export { SchemaPipe } from './schema.pipe.js';
export { toFault } from './to-fault.js';
export { TurnInterceptor } from './turn.interceptor.js';
