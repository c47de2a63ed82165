import { resolveSecrets, type ResolvedSettings, type Settings } from '#config';
import { reachDatabase } from '#database';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '#embedded-postgres';
import type { Logger } from '#observability';

export interface Resolved {
  readonly settings: ResolvedSettings;
  /** The embedded PostgreSQL; undefined if a DATABASE_URL is set. */
  readonly embedded: EmbeddedPostgres | undefined;
}

export interface Waiting {
  /** Receives one line about once a second while the database is out of reach. */
  readonly onWaiting: (line: string) => void | Promise<void>;
  readonly signal?: AbortSignal;
}

/**
 * Writes what is waited for to standard error, because those who start a program by hand want to know, at any log
 * level.
 */
export const SAY_SO: Waiting = { onWaiting: (line) => void process.stderr.write(`${line}\n`) };

/** Completes the settings with what the environment left open: the database and the secrets. */
export async function resolveSettings(
  settings: Settings,
  logger: Logger,
  waiting: Waiting = SAY_SO,
): Promise<Resolved> {
  const auth = { ...settings.auth, ...resolveSecrets(settings) };
  const { url } = settings.database;
  if (url !== undefined) {
    return { settings: await withRoutes({ ...settings, auth }, url, logger, waiting), embedded: undefined };
  }
  const embedded = await startEmbedded(settings, logger);
  try {
    return { settings: await withRoutes({ ...settings, auth }, embedded.url, logger, waiting), embedded };
  } catch (error) {
    await embedded.stop();
    throw error;
  }
}

async function startEmbedded(settings: Settings, logger: Logger): Promise<EmbeddedPostgres> {
  const embedded = await startEmbeddedPostgres({
    directory: settings.directory,
    binDirectory: settings.database.binDirectory,
    log: (line) => logger.debug({ line }, 'embedded PostgreSQL'),
  });
  logger.info(
    { directory: settings.directory, adopted: embedded.isAdopted },
    'no DATABASE_URL: using an embedded PostgreSQL, for development only',
  );
  return embedded;
}

type Unresolved = Settings & Pick<ResolvedSettings, 'auth'>;

/**
 * Finds out how the database is reached. If no connection can LISTEN, nobody hears hints, so none are sent and
 * instances find messages by polling.
 */
async function withRoutes(
  settings: Unresolved,
  url: string,
  logger: Logger,
  waiting: Waiting,
): Promise<ResolvedSettings> {
  const { delivery } = settings;
  const { directUrl, waitMs } = settings.database;
  const routes = await reachDatabase({ url, directUrl, waitMs, ...waiting });
  const database = { ...settings.database, url, ...routes };
  if (routes.listenUrl !== undefined) return { ...settings, database };
  logger.warn(
    'the database is behind a pooler, and no DATABASE_DIRECT_URL leads past it: polling instead of LISTEN, and an instance that dies is given up when its lease ends',
  );
  return { ...settings, database, delivery: { ...delivery, isNotifyOn: false } };
}
