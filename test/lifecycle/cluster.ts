import { ALL_SETTINGS, readSettings, resolveSecrets } from '#config';
import { startEmbeddedPostgres } from '#embedded-postgres';
import { Topology } from './fixtures/topology.js';

const USAGE = `npm run cluster

Three instances behind nginx, as in production but for the size, until Ctrl-C; a second one does not wait for the drain.
nginx takes PORT and the instances the next three; what else is set in the environment is set for all of them, see
docs/configuration.md. It takes no arguments.`;

refuseArguments(process.argv.slice(2));
const note = (text: string): void => void process.stderr.write(`${text}\n`);
/**
 * Under npm, Ctrl-C arrives twice, from the terminal and from npm. A second signal within this time is the same one.
 */
const SAME_SIGNAL_MS = 500;
let hurry = (): void => undefined;
// Signals are heard from the beginning, so that what is still starting is stopped as well.
const stopped = new Promise<void>((stop) => {
  let firstAt: number | undefined;
  const hear = (): void => {
    firstAt ??= performance.now();
    if (performance.now() - firstAt > SAME_SIGNAL_MS) hurry();
    stop();
  };
  process.on('SIGINT', hear);
  process.on('SIGTERM', hear);
});
const settings = readSettings();
const embedded = settings.database.url ? undefined : await startEmbeddedPostgres({ directory: settings.directory });
try {
  const topology = await Topology.open({
    databaseUrl: settings.database.url ?? embedded?.url ?? '',
    port: settings.port,
    env: environment(),
    isDetached: true,
  });
  note(`${topology.url} → ${topology.fleet.urls.join(', ')}\nCtrl-C stops everything`);
  await stopped;
  note('draining');
  hurry = () => void topology.fleet.end('SIGKILL');
  const codes = await topology.end('SIGTERM');
  if (codes.some((code) => code !== 0)) throw new Error(`instances ended with ${codes.join(', ')}`);
} finally {
  await embedded?.stop();
}

function environment(): Record<string, string> {
  const { jwtSecret, apiKeys } = resolveSecrets(settings);
  const given = ALL_SETTINGS.flatMap(({ variable: name }) => {
    const value = process.env[name];
    // Each instance has its own.
    return value === undefined || name === 'PORT' || name === 'INSTANCE_ID' ? [] : [[name, value] as const];
  });
  return { NODE_ENV: 'development', ...Object.fromEntries(given), JWT_SECRET: jwtSecret, API_KEYS: apiKeys.join(',') };
}

/** Starts nothing if there is an argument: the program has none but --help. */
function refuseArguments([first]: readonly string[]): void {
  if (first === undefined) return;
  const isHelp = first === '--help' || first === '-h';
  (isHelp ? process.stdout : process.stderr).write(isHelp ? `${USAGE}\n` : `unknown argument ${first}\n${USAGE}\n`);
  process.exit(isHelp ? 0 : 1);
}
