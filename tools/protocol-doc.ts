import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { z } from 'zod';
import { Environment } from '#config';
import { EVENTS, FAULTS, Handshake, Message, REQUESTS } from '#protocol';
import { TOKENS, USERS } from './protocol-prose.js';

/*
 * Writes docs/protocol.md and docs/configuration.md from the schemas that the server runs on: `--write` writes them,
 * `--check` fails if one is out of date.
 */
const DOCS = join(import.meta.dirname, '../../docs');

interface Field {
  type?: string | string[];
  format?: string;
  enum?: unknown[];
  anyOf?: Field[];
  items?: Field;
  properties?: Record<string, Field>;
  additionalProperties?: Field | boolean;
  required?: string[];
  description?: string;
  default?: unknown;
  minimum?: number;
  maximum?: number;
  id?: string;
  $ref?: string;
  $defs?: Record<string, Field>;
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): Field {
  const root = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Field;
  // A schema with a name of its own stands among the definitions.
  return root.$defs?.[root.$ref?.split('/').at(-1) ?? ''] ?? root;
}

function typeOf(field: Field): string {
  if (field.$ref) return referred(field.$ref);
  if (field.enum) return field.enum.map((value) => `\`${String(value)}\``).join(' or ');
  if (field.anyOf) return [...new Set(field.anyOf.map(typeOf))].join(' or ');
  if (field.type === 'array') return `array of ${typeOf(field.items ?? {})}`;
  return field.type === 'object' ? objectType(field) : plainType(field);
}

/** A name of ours, or the recursive schema that zod has for any JSON. */
function referred(ref: string): string {
  const name = ref.split('/').at(-1) ?? '';
  return name === '#' || name.startsWith('__schema') ? 'JSON' : name;
}

function objectType({ additionalProperties, properties }: Field): string {
  if (typeof additionalProperties === 'object') return `object of ${typeOf(additionalProperties)}`;
  return properties ? `{ ${Object.keys(properties).join(', ')} }` : 'object';
}

function plainType({ type = 'JSON', format: detail }: Field): string {
  const name = Array.isArray(type) ? type.join(' or ') : type;
  return detail ? `${name} (${detail})` : name;
}

function table(schema: z.ZodType, io: 'input' | 'output'): string {
  const root = jsonSchema(schema, io);
  if (!root.properties) return `${typeOf(root)}${root.description ? `: ${root.description}` : ''}\n`;
  const entries = Object.entries(root.properties);
  if (entries.length === 0) return 'nothing more\n';
  const rows = entries.map(([name, field]) => {
    const isRequired = root.required?.includes(name) ?? false;
    return `| \`${name}\` | ${typeOf(field)} | ${isRequired ? 'yes' : 'no'} | ${(field.description ?? '').replaceAll('|', '\\|')} |`;
  });
  return ['| field | type | always | meaning |', '| --- | --- | --- | --- |', ...rows, ''].join('\n');
}

function protocol(): string {
  const requests = Object.entries(REQUESTS).map(
    ([name, { does, payload, result }]) =>
      `### \`${name}\`\n\n${does}\n\nSends:\n\n${table(payload, 'input')}\nAnswer, beside \`ok: true\`:\n\n${table(result, 'output')}`,
  );
  const events = Object.entries(EVENTS).map(
    ([name, { when, payload }]) => `### \`${name}\`\n\n${when}\n\n${table(payload, 'output')}`,
  );
  const faults = Object.entries(FAULTS).map(
    ([name, { code, retryable, means }]) => `| ${code} | ${name} | ${retryable ? 'yes' : 'no'} | ${means} |`,
  );
  return [
    '<!-- Generated from libs/protocol by `npm run docs`; do not edit. -->\n',
    '# Wire protocol\n',
    'Socket.IO 4, namespace `/`, WebSocket transport. REST is described at `/docs` of a running server.\n',
    '## Handshake\n',
    'Goes into Socket.IO’s `auth`. A refused handshake is a `connect_error` whose `data` is the error. After it Socket.IO does not try again by itself: if the error is retryable, call `socket.connect()` after its `retryAfterMs` (without one: a second).\n',
    table(Handshake, 'input'),
    '## Requests\n',
    'Client → server: `socket.emitWithAck(name, payload)`. Each is answered `{ ok: true, … }` or `{ ok: false, error: { code, message, retryable } }`. Fields not listed are refused.\n',
    ...requests,
    '## Events\n',
    'Server → client.\n',
    ...events,
    '## Users, channels and grants\n',
    USERS,
    '## Tokens and sessions\n',
    TOKENS,
    '## Message\n',
    table(Message, 'output'),
    '## Delivery, as a client sees it\n',
    '- Per channel, messages come in order of `seq`, each at least once. Keep the highest `seq` of each channel and drop what is not above it: then the application sees each exactly once.\n- Acknowledge by sending back a packet’s `ack` when its messages are processed. Acknowledging a seq acknowledges everything before it. What was acknowledged and answered `ok` is never sent to that device again.\n- What is not acknowledged in time is repeated, with backoff; in the end the connection is closed (4005) and the messages wait for the next one.\n- A hole in `seq` is always announced by a `gap`.\n',
    '## Errors\n',
    'The thousands digit says what to do: 1 fix the request, 2 authenticate again, 3 ask for the right, 4 try again later (with the same `publishId`; after `retryAfterMs`, if the error has it), 5 report a bug.\n',
    ['| code | name | retryable | meaning |', '| --- | --- | --- | --- |', ...faults, ''].join('\n'),
  ].join('\n');
}

function configuration(): string {
  const { properties = {} } = jsonSchema(Environment, 'input');
  const rows = Object.entries(Environment.shape).map(([name, schema]) => {
    const parsed = schema.safeParse(undefined);
    const value = parsed.success ? parsed.data : undefined;
    const fallback = value === undefined || (Array.isArray(value) && value.length === 0) ? '' : `\`${String(value)}\``;
    const choices = properties[name]?.enum?.map((choice) => `\`${String(choice)}\``).join(', ');
    const text = [schema.description, choices && `one of ${choices}`].filter(Boolean).join('; ');
    return `| \`${name}\` | ${fallback} | ${text.replaceAll('|', '\\|')} |`;
  });
  return [
    '<!-- Generated from libs/config by `npm run docs`; do not edit. -->\n',
    '# Configuration\n',
    'All settings come from the environment and are read once. A wrong one stops the start with a line that names it.\n',
    ['| variable | default | meaning |', '| --- | --- | --- |', ...rows, ''].join('\n'),
  ].join('\n');
}

for (const [name, raw] of [
  ['protocol.md', protocol()],
  ['configuration.md', configuration()],
] as const) {
  const path = join(DOCS, name);
  const text = await format(raw, { ...(await resolveConfig(path)), parser: 'markdown' });
  if (process.argv.includes('--write')) await writeFile(path, text);
  else if ((await readFile(path, 'utf8')) !== text) {
    process.stderr.write(`docs/${name} is out of date: run npm run docs and commit it\n`);
    process.exitCode = 1;
  }
}
