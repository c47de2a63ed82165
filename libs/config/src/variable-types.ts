import { isIP } from 'node:net';
import { validateCronExpression } from 'cron';
import { z } from 'zod';
import { jwtSecretFault } from './jwt-secret.js';

/** A whole number in digits. */
export const whole = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d+$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be a whole number from ${min} to ${max}`);

/** The lifetime of a message in milliseconds, at most a year; 0 means until retention. */
export const ttl = whole(0, 365 * 24 * 3_600_000);

export const choice = <const T extends readonly [string, ...string[]]>(...texts: T) =>
  z.enum(texts, `must be one of ${texts.join(', ')}`) as z.ZodType<T[number], string>;

export const onOff = choice('on', 'off');
export const isOn = (text: 'on' | 'off'): boolean => text === 'on';

export const daysToMs = (days: number): number => days * 86_400_000;

export const text = z.string();

export const instanceId = z
  .string()
  .regex(/^(?!\.{1,2}$)[A-Za-z0-9_.-]{1,45}$/, 'must be 1 to 45 of A-Z a-z 0-9 _ . -, and not . or ..');

/**
 * A schema has at most 17 characters, because the name of a NOTIFY channel, which has at most 63, is made of it and of an
 * instance's id. `public` belongs to everybody: another schema ends with all that is in it when a product goes.
 */
export const schemaName = z
  .string()
  .regex(/^[a-z_][a-z0-9_]{0,16}$/, 'must be 1 to 17 of a-z 0-9 _, and begin with no digit')
  .refine(
    (name) => !/^(pg_.*|public|information_schema)$/.test(name),
    'must not be public, or a schema of PostgreSQL itself',
  );

export const absolutePath = z.string().startsWith('/', 'must be an absolute path');

export const postgresUrl = z
  .string()
  .regex(/^postgres(ql)?:\/\/\S+$/, 'must be a URL like postgres://user:password@host:5432/database')
  .refine(
    (url) => !hasSeveralHosts(url),
    'names several hosts: give one address that leads to the primary, e.g. of a proxy or a service of your cluster',
  )
  .refine(isUrl, 'is not a URL: a character of user or password may have to be written as %XX (@ as %40, / as %2F)');

/** libpq takes several hosts in two forms: `host1:5432,host2:5432`, or `?host=host1,host2`. */
function hasSeveralHosts(text: string): boolean {
  const [authority = '', query = ''] = [/\/\/([^/?]*)/.exec(text)?.[1], text.split('?')[1]];
  return authority.slice(authority.lastIndexOf('@') + 1).includes(',') || /(^|&)host=[^&]*(,|%2C)/i.test(query);
}

/** A PostgreSQL URL may have no host: it then means a socket, in `?host=` or the usual one. URL does not parse that. */
function isUrl(text: string): boolean {
  return URL.canParse(text.replace('@/', '@localhost/'));
}

const list = z.string().transform((items): readonly string[] =>
  items
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== ''),
);

export const networks = list.refine(
  (items) => items.every(isNetwork),
  'must be addresses or networks like 10.0.0.0/8, separated by commas',
);

export const origins = list.superRefine((items, context) => {
  const wrong = items.find((item) => item !== '*' && !isOrigin(item));
  if (wrong === undefined) return;
  const message = `must be origins as browsers send them, like https://app.example.com, without path, wildcard or default port, separated by commas; or * for all: ${wrong} is neither`;
  context.addIssue({ code: 'custom', message });
});

/** Origins are compared as browsers send them. Apps in a web view have schemes of their own: capacitor://localhost. */
function isOrigin(text: string): boolean {
  if (/^https?:/.test(text)) return URL.canParse(text) && new URL(text).origin === text && !text.includes('*');
  return /^[a-z][a-z0-9+.-]*:\/\/[a-z0-9.-]+(:\d+)?$/.test(text);
}

function isNetwork(text: string): boolean {
  const [address = '', bits = '0', ...more] = text.split('/');
  const version = isIP(address);
  return version !== 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128) && more.length === 0;
}

export const cron = z
  .string()
  .refine(
    (expression) => validateCronExpression(expression).valid,
    'must be a cron expression like 0 */10 * * * *, with seconds',
  );

export const jwtSecret = z.string().superRefine((secret, context) => {
  const message = jwtSecretFault(secret);
  if (message !== undefined) context.addIssue({ code: 'custom', message });
});

export const apiKeys = list.refine(
  (keys) => keys.length > 0 && keys.every((key) => /^[A-Za-z0-9._-]{1,50}:\S{16,200}$/.test(key)),
  'must be name:secret pairs separated by commas, each secret of 16 to 200 characters',
);

/** A key as a client shows it, without its name. */
export const oneKey = z.string().regex(/^\S{1,200}$/, 'must be one key');

export const scrapeToken = z.string().regex(/^\S{16,200}$/, 'must be 16 to 200 characters without spaces');

export const adminKeys = list
  .refine(
    (keys) =>
      keys.length > 0 &&
      keys.every((key) => /^[A-Za-z0-9._-]{1,50}:\S{16,200}:(read|operate|purge)(\+(read|operate|purge))*$/.test(key)),
    'must be name:secret:scope+scope entries separated by commas, each secret of 16 to 200 characters, the scopes of read, operate, purge',
  )
  .refine((keys) => new Set(keys.map((key) => key.split(':')[0])).size === keys.length, 'names one key twice');

export const groupPatterns = list.refine(
  (patterns) => patterns.every((pattern) => /^(group:[A-Za-z0-9._:@/+-]*\*?|\*)$/.test(pattern)),
  'must be groups like group:board or group:private-*, separated by commas',
);

export const httpUrl = z.string().regex(/^https?:\/\/[^\s?#]+$/, 'must be a URL like http://127.0.0.1:3000');
