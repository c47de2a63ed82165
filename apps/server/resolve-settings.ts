import { resolveSecrets, type ResolvedSettings, type Settings } from '#config';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '#database';
import type { Logger } from '#observability';

export interface Resolved {
  readonly settings: ResolvedSettings;
  /** Undefined with a DATABASE_URL. */
  readonly embedded: EmbeddedPostgres | undefined;
}

/** Finds or makes what the environment left open: the database and the secrets. */
export async function resolveSettings(settings: Settings, logger: Logger): Promise<Resolved> {
  const auth = { ...settings.auth, ...resolveSecrets(settings) };
  const { url } = settings.database;
  if (url !== undefined)
    return { settings: { ...settings, auth, database: { ...settings.database, url } }, embedded: undefined };
  const embedded = await startEmbeddedPostgres({
    directory: settings.directory,
    log: (line) => logger.debug({ line }, 'embedded PostgreSQL'),
  });
  logger.info(
    { directory: settings.directory, adopted: embedded.isAdopted },
    'no DATABASE_URL: using an embedded PostgreSQL, for development only',
  );
  return { settings: { ...settings, auth, database: { ...settings.database, url: embedded.url } }, embedded };
}
