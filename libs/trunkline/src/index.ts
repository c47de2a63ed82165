export { Trunkline, type TrunklineHealth } from './embed/trunkline.js';
export { TrunklineModule } from './embed/trunkline.module.js';
export type { TrunklineOptions } from './embed/trunkline-options.js';
export { startEmbeddedPostgres } from '#embedded-postgres';
export { Entrance } from './http/entrance.js';
export { InstanceHost } from './instance/instance-host.js';
export { migrateDatabase } from './setup/check-database.js';
export { resolveSettings } from './setup/resolve-settings.js';
export { openCleanup } from './stores/open-cleanup.js';
