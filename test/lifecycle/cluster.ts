import { once } from 'node:events';
import { readSettings, resolveSecrets } from '#config';
import { startEmbeddedPostgres } from '#database';
import { Fleet } from './world/fleet.js';
import { INSTANCE_PORTS, Nginx } from './world/nginx.js';

/** Three instances behind nginx, as in production but for the size, until Ctrl-C. */
const note = (text: string): void => void process.stderr.write(`${text}\n`);
const settings = readSettings();
const embedded = settings.database.url ? undefined : await startEmbeddedPostgres({ directory: settings.directory });
const databaseUrl = settings.database.url ?? embedded?.url ?? '';
let nginx: Nginx | undefined;
let fleet: Fleet | undefined;
try {
  const { jwtSecret, apiKeys } = resolveSecrets(settings);
  const secrets = { JWT_SECRET: jwtSecret, API_KEYS: apiKeys.join(',') };
  const env = { ...secrets, NODE_ENV: 'development', TRUST_PROXY: '127.0.0.1' };
  fleet = await Fleet.open({ databaseUrl, ports: INSTANCE_PORTS, env });
  nginx = await Nginx.start();
  note(`${nginx.url} → ${fleet.urls.join(', ')}\nCtrl-C stops everything`);
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
} finally {
  note('draining');
  await fleet?.end('SIGTERM');
  await nginx?.stop();
  await embedded?.stop();
}
