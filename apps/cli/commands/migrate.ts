import type { Command } from 'commander';
import { readSettings } from '#config';
import { Output } from '../output.js';

/** Applies the migrations that are missing and says which. */
export function addMigrate(program: Command): void {
  program
    .command('migrate')
    .description('bring the schema of DATABASE_URL up to date, as each instance does at its start')
    .option('--json', 'as JSON: applied')
    .action(async ({ json = false }: { json?: boolean }) => {
      // These modules are loaded only when needed, because what talks to a database takes as long to load as all the
      // rest.
      const [{ createLogger }, { migrateDatabase, resolveSettings }] = await Promise.all([
        import('#observability'),
        import('#trunkline'),
      ]);
      const { settings, embedded } = await resolveSettings(readSettings(), createLogger('warn'));
      try {
        const applied = await migrateDatabase(settings.database);
        new Output(json).tell({ applied }, () => [
          applied.length > 0 ? `applied ${applied.join(', ')}` : 'nothing to apply',
        ]);
      } finally {
        await embedded?.stop();
      }
    });
}
