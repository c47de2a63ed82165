import type { Command } from 'commander';
import { readSettings } from '#config';
import { InputError } from '../failure.js';
import { Output } from '../output.js';
import type { CleanupOptions } from '../run-cleanup.js';

export function addCleanup(program: Command): void {
  program
    .command('cleanup')
    .description('run a cleanup job on DATABASE_URL, under the lock that the instances use, and say what it did')
    .option('--job <name>', 'which')
    .option('--dry-run', 'only say what it would do; of deletions one batch at most')
    .option('--list', 'name the jobs')
    .option('--json', 'as JSON')
    .action(async ({ json = false, ...options }: CleanupOptions & { json?: boolean }) => {
      if (options.job === undefined && !options.list) throw new InputError('needs --job <name> or --list');
      const { runCleanup } = await import('../run-cleanup.js');
      await runCleanup(readSettings(), options, new Output(json));
    });
}
