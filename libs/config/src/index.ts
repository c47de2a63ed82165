export { Environment } from './environment.js';
export { readSettings, SettingsError } from './read-settings.js';
export { resolveSecrets } from './resolve-secrets.js';
export { SETTINGS, type ResolvedSettings, type Settings } from './settings.js';
