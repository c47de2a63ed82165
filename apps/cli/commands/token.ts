import type { Command } from 'commander';
import { readSettings, resolveSecrets } from '#config';
import { Grant, UserId, parse } from '#protocol';
import { InputError } from '../failure.js';
import { Output } from '../output.js';

/** The rights of a token that was asked for without --grant: all that a developer wants to try out. */
const DEVELOPMENT_GRANTS = [
  'publish:user:*',
  'publish:group:*',
  'publish:broadcast',
  'subscribe:group:*',
  'join:group:*',
];

interface Options {
  readonly user: string;
  readonly grant?: readonly string[];
  readonly ttlHours: string;
  readonly json?: boolean;
}

/** Adds the command that prints a token for trying things out, signed with the secret that the server uses. */
export function addToken(program: Command): void {
  program
    .command('token')
    .description('print a token of a user, signed with JWT_SECRET (in development: the one the server made)')
    .requiredOption('--user <id>', 'whose')
    .option(
      '--grant <grant>',
      'a right, e.g. publish:user:*; may be given several times (default: what one tries out)',
      collect,
    )
    .option('--ttl-hours <hours>', 'how long it is valid', '24')
    .option('--json', 'as JSON: token and expiresAt')
    .action(async ({ user, grant, ttlHours, json = false }: Options) => {
      const hours = Number(ttlHours);
      if (!(hours > 0)) throw new InputError('--ttl-hours: must be a number above 0');
      const ttlMs = hours * 3_600_000;
      const grants = (grant ?? DEVELOPMENT_GRANTS).map((one) => parse(Grant, one));
      const identity = { user: parse(UserId, user), grants, ttlMs };
      const { signToken } = await import('#auth');
      const token = signToken(resolveSecrets(readSettings()).jwtSecret, identity);
      new Output(json).tell({ token, expiresAt: new Date(Date.now() + ttlMs).toISOString() }, () => [token]);
    });
}

function collect(value: string, previous: readonly string[] = []): string[] {
  return [...previous, value];
}
