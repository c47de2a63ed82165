import { resolveSecrets, type ResolvedSettings, type Settings } from '#config';
import { findWays, startEmbeddedPostgres, type EmbeddedPostgres } from '#database';
import type { Logger } from '#observability';

export interface Resolved {
  readonly settings: ResolvedSettings;
  /** Undefined with a DATABASE_URL. */
  readonly embedded: EmbeddedPostgres | undefined;
}

/** Finds or makes what the environment left open: the database and the secrets. */
export async function resolveSettings(settings: Settings, logger: Logger): Promise<Resolved> {
  const auth = { ...settings.auth, ...resolveSecrets(settings) };
  if (settings.database.url !== undefined) {
    return { settings: await withWays({ ...settings, auth }, settings.database.url, logger), embedded: undefined };
  }
  const embedded = await startEmbeddedPostgres({
    directory: settings.directory,
    binDirectory: settings.database.binDirectory,
    log: (line) => logger.debug({ line }, 'embedded PostgreSQL'),
  });
  logger.info(
    { directory: settings.directory, adopted: embedded.isAdopted },
    'no DATABASE_URL: using an embedded PostgreSQL, for development only',
  );
  return { settings: await withWays({ ...settings, auth }, embedded.url, logger), embedded };
}

type Unresolved = Settings & Pick<ResolvedSettings, 'auth'>;

/** Without a way to LISTEN there is nobody to hear hints, so none are sent: instances find messages by polling. */
async function withWays(settings: Unresolved, url: string, logger: Logger): Promise<ResolvedSettings> {
  const { delivery } = settings;
  const ways = await findWays(url, settings.database.directUrl);
  const database = { ...settings.database, url, ...ways };
  if (ways.listenUrl !== undefined) return { ...settings, database };
  logger.warn(
    'the database is behind a pooler, and no DATABASE_DIRECT_URL leads past it: polling instead of LISTEN, and an instance that dies is given up when its lease ends',
  );
  return { ...settings, database, delivery: { ...delivery, isNotifyOn: false } };
}
