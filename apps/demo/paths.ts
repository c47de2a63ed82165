import { fileURLToPath } from 'node:url';

/** Both paths are relative to the compiled file, dist/apps/demo/paths.js. */
export const SERVER_ENTRY = fileURLToPath(new URL('../server/main.js', import.meta.url));
export const DEFAULT_LOG = fileURLToPath(new URL('../../../apps/demo/data/ubuntu-2006-06-01.txt', import.meta.url));
