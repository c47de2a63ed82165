import { Command, CommanderError } from 'commander';
import { SettingsError } from '#config';
import { DatabaseError } from '#database';
import { ProtocolError } from '#protocol';
import { addAfterRestore } from './commands/after-restore.js';
import { addCleanup } from './commands/cleanup.js';
import { addConnections } from './commands/connections.js';
import { addEraseUser } from './commands/erase-user.js';
import { addMessages } from './commands/messages.js';
import { addMigrate } from './commands/migrate.js';
import { addPublish } from './commands/publish.js';
import { addStatus } from './commands/status.js';
import { addTail } from './commands/tail.js';
import { addToken } from './commands/token.js';
import { addWhy } from './commands/why.js';
import { Failure, InputError } from './failure.js';

const BAD_INPUT = 2;

function makeProgram(): Command {
  const program = new Command('trunkline')
    .description('Durable real-time messaging on PostgreSQL: try it out, operate it.')
    .showSuggestionAfterError(false)
    .exitOverride()
    .addHelpText(
      'after',
      '\nSettings come from the environment: docs/configuration.md. Exit code 2: bad input; 1: it failed.',
    );
  for (const add of [
    addToken,
    addPublish,
    addTail,
    addWhy,
    addMessages,
    addConnections,
    addStatus,
    addMigrate,
    addAfterRestore,
    addCleanup,
    addEraseUser,
  ])
    add(program);
  return program;
}

/**
 * Runs one command and tells in one line whatever went wrong, or in one line for each setting that is wrong.
 * @returns the exit code
 */
async function run(args: readonly string[]): Promise<number> {
  try {
    await makeProgram().parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : BAD_INPUT; // commander has told the reason
    const lines = error instanceof SettingsError ? error.lines : [inOneLine(error)];
    for (const line of lines) process.stderr.write(`error: ${line}\n`);
    if (error instanceof InputError || error instanceof ProtocolError || error instanceof SettingsError)
      return BAD_INPUT;
    // An error of the system or of PostgreSQL has a code; any other unknown error is a bug of this program.
    const isExplained = error instanceof Failure || error instanceof DatabaseError || codeOf(error) !== undefined;
    if (!isExplained) console.error(error);
    return 1;
  }
}

/** An AggregateError, as of a host name with several addresses, has no text of its own, so its code is shown. */
function inOneLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return (text || String(codeOf(error))).replace(/\s*\n\s*/g, ' ');
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown } | null)?.code;
}

process.exitCode = await run(process.argv.slice(2));
