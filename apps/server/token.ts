import { parseArgs } from 'node:util';
import { signToken } from '#auth';
import { readSettings, resolveSecrets, SettingsError } from '#config';
import { Fault, Grant, Identifier, parse } from '#protocol';

const USAGE = 'usage: npm run token -- --user ID [--grant publish:user:* …] [--ttl-hours 24]\n';
/** What a developer wants to try out. */
const DEVELOPMENT_GRANTS = [
  'publish:user:*',
  'publish:group:*',
  'publish:broadcast',
  'subscribe:group:*',
  'join:group:*',
];

/** Prints a token for trying things out, signed with the secret the server uses. */
const { values } = parseArgs({
  options: {
    user: { type: 'string' },
    grant: { type: 'string', multiple: true },
    'ttl-hours': { type: 'string', default: '24' },
  },
});
const hours = Number(values['ttl-hours']);
if (values.user === undefined || !(hours > 0)) {
  process.stderr.write(USAGE);
  process.exit(2);
}
try {
  const user = parse(Identifier, values.user);
  const grants = (values.grant ?? DEVELOPMENT_GRANTS).map((grant) => parse(Grant, grant));
  const { jwtSecret } = resolveSecrets(readSettings());
  process.stdout.write(`${signToken(jwtSecret, { user, grants, ttlMs: hours * 3_600_000 })}\n`);
} catch (error) {
  if (!(error instanceof Fault || error instanceof SettingsError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
