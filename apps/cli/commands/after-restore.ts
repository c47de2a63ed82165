import type { Command } from 'commander';
import { readSettings } from '#config';
import type { MendedNumbers } from '#message-persistence';
import { InputError } from '../failure.js';
import { Output } from '../output.js';

export function addAfterRestore(program: Command): void {
  program
    .command('after-restore')
    .description(
      'make sure that DATABASE_URL gives no number out twice: after a restore, or on a copy by logical replication',
    )
    .option(
      '--put-forward <n>',
      'also number all channels from so much further on: what was lost may have been seen',
      '0',
    )
    .option('--json', 'as JSON: sequences, raised, putForward')
    .action(async ({ putForward, json = false }: { putForward: string; json?: boolean }) => {
      if (!/^\d{1,12}$/.test(putForward)) throw new InputError('--put-forward: must be a whole number');
      // These modules are loaded only when needed, because what talks to a database takes as long to load as all the
      // rest.
      const [{ Database }, { mendNumbers }, { createLogger }, { resolveSettings }] = await Promise.all([
        import('#database'),
        import('#message-persistence'),
        import('#observability'),
        import('#trunkline'),
      ]);
      const { settings, embedded } = await resolveSettings(readSettings(), createLogger('warn'));
      const onError = (): void => undefined; // the statement that fails reports the error itself
      const database = new Database({ ...settings.database, applicationName: 'trunkline after-restore', onError });
      try {
        const mended = await mendNumbers(database, Number(putForward));
        new Output(json).tell(mended, () => inWords(mended));
      } finally {
        await database.close();
        await embedded?.stop();
      }
    });
}

function inWords({ sequences, raised, putForward }: MendedNumbers): string[] {
  const lines = [
    ...sequences.map(({ sequence, was, last_value }) => `${sequence}: was at ${was}, now at ${last_value}`),
    ...raised.map(({ table, channels }) => `${channels} channels were behind ${table}, now at its end`),
    ...(putForward > 0 ? [`${putForward} channels put forward`] : []),
  ];
  return lines.length > 0 ? lines : ['nothing to mend'];
}
