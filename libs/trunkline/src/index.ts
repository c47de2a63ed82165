export { InstanceHost } from './instance/instance-host.js';
export { migrateDatabase } from './setup/check-database.js';
export { resolveSettings } from './setup/resolve-settings.js';
export { openCleanup } from './stores/open-cleanup.js';
