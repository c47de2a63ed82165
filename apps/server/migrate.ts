import { readSettings } from '#config';
import { migrate } from '#database';
import { createLogger } from '#observability';
import { MIGRATIONS } from '../../migrations/index.js';
import { resolveSettings } from './resolve-settings.js';

/** Applies the migrations that are missing and says which. */
const { settings, embedded } = await resolveSettings(readSettings(), createLogger('warn'));
try {
  const applied = await migrate(settings.database.listenUrl ?? settings.database.url, MIGRATIONS);
  process.stdout.write(applied.length > 0 ? `applied ${applied.join(', ')}\n` : 'nothing to apply\n');
} finally {
  await embedded?.stop();
}
