export { readGivenSettings, readSettings, SettingsError } from './read-settings.js';
export { resolveSecrets } from './resolve-secrets.js';
export { ALL_SETTINGS, SETTINGS, type ResolvedSettings, type Settings } from './settings.js';
