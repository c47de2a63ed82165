import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { z } from 'zod';
import { ERROR_CODES, EVENTS, Handshake, Message, Receipt, REQUESTS } from '#protocol';
import { configurationDoc } from './configuration-doc.js';
import { RECEIPTS, RECEIPTS_IN_DETAIL, TOKENS, USERS } from './protocol-prose.js';

/*
 * Writes docs/protocol.md and docs/configuration.md from the schemas and settings that the server runs on: `--write` writes them,
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

/** Names the schema that is referred to: one of ours, or the recursive schema that zod has for any JSON. */
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

const ORDER = `Requests of one connection take effect in the order in which they were sent, whether or not you wait for their answers, wherever that order matters: all requests about one channel; \`watch\` and \`unwatch\` of one channel; a \`join\` or \`leave\` and what depends on the membership; and everything behind a \`token\` or a \`logout\`. Requests about different channels may pass each other, and \`ack\` passes everything. A \`publish\` keeps its place among the other requests, but is stored only when it is answered: wait for the answer before you ask for a \`history\` that is to hold the message. Requests of different connections, and those of REST, have no order among each other: to have one, wait for the answer of the first.
`;

const DELIVERY = `- Per channel, messages come in order of \`seq\`, each at least once. Keep the highest \`seq\` of each channel and drop what is not above it: then the application sees each exactly once.
- Acknowledge with the \`ack\` of a packet or a \`gap\` when its messages are processed. Acknowledging a seq acknowledges everything before it in that channel. What was acknowledged and answered \`ok\` is never sent to that device again.
- An \`ack\` names only the channels of its own packet or gap: what the application has not said it processed is never taken for processed. So if you do not send each one at once, merge them: keep one object, \`Object.assign(pending, ack)\` for every \`messages\` and every \`gap\`, send it a few times a second and begin an empty one then, and with each new connection, which may acknowledge only what was sent on it.
- If a connection acknowledges nothing new in any channel for \`ACK_TIMEOUT_MS\`, what it has not acknowledged is repeated, with backoff; in the end the connection is closed (4005) and the messages wait for the next one. A channel that the client leaves out of its acks while it acknowledges others is not repeated and closes nothing; but its messages take up room in the window, count as not delivered, and come again with the next connection.
- Connections with the same \`deviceId\` are one device with one position. Each is sent every message, but what one of them has acknowledged is not repeated to another that did not. Give each installation, and each tab that is to keep a position of its own, its own \`deviceId\`.
- A hole in \`seq\` is always announced by a \`gap\`.
`;

/** The section on what a client may send, and leave unread. */
const LIMITS = [
  '## Limits\n',
  'Every frame is counted before anything of it is read; how much a client may send, and what may wait, stands in [configuration.md](configuration.md).\n',
  '- Requests are JSON: an event with binary attachments is answered with 1000 and dropped. Bytes go as text, such as base64.',
  '- What is beyond the rates of a connection or its user is answered with 4010 and `retryAfterMs`, and has had no effect; without a callback it is dropped. A client that goes on all the same, gets `closing` with 4010 and is closed. After a refusal nothing more is read of a connection for a quarter of a second, so that a client which has sent too much at once is slowed down by TCP. Coming back at once gains nothing: what its user sent still counts. Answers of more than 4 KiB count as a quarter of their bytes. `ack` has a rate of its own, far above what acknowledging each packet takes.',
  '- Requests that wait for their answers and answers that wait for the network are weighed. A connection over its share is not read from until half of it is free, so the client’s own sending waits; nothing is refused or lost, and an `ack` behind it waits, too. If nothing drains for 30 s it gets `closing` with 4003, if it still reads, and is closed; messages stay stored.',
  '- The answers to `history` are made one after the other, those to `presence` and `watch` eight at a time, and only while the network takes them. One that finds no room for 5 s is refused with 4003.',
  '- An instance that has too much waiting altogether refuses requests of more than 4 KiB with 4003, and closes the connection that leaves most unread.\n',
].join('\n');

/** The section on what happens below the handshake, where Socket.IO decides whether it reconnects by itself. */
const TRANSPORT = [
  '## Transport\n',
  'Whatever passes by itself ends in a way after which Socket.IO comes back by itself:\n',
  '- An instance that starts, drains (4004), is full (4006) or has too many connections to open (4003) answers the upgrade with HTTP 503, `Retry-After` and `{ ok: false, error }`, so that a load balancer may ask the next one.',
  '- A client over the cap of its user or address (4007, 4008), or one that finds the database out of reach (4001), is let in, gets `closing` with the error in place of `ready`, and its transport is closed. So do those of a storm that passed the upgrade together (4003).',
  '- An address that connects faster than `MAX_HANDSHAKES_PER_S_PER_ADDRESS` gets HTTP 429 with `Retry-After` (4010). One that shows more wrong tokens than `MAX_REFUSED_TOKENS_PER_S_PER_ADDRESS` is told 4010 in `closing` instead of what is wrong with the next; a good token is let in all the same.',
  '- One that can never be served is told so in HTTP: 400 if it begins with another transport than WebSocket or speaks an older Socket.IO than 3, 403 if `CORS_ORIGINS` does not name the origin of its page.\n',
  'One transport carries one connection. When a client leaves the namespace (`41`), its transport is closed, and it opens another one when it enters again. Clients that share one transport among namespaces, as the Swift client does, should leave for good with `manager.disconnect()`: after `socket.disconnect()` their manager opens a new transport.\n',
  'Until it is let in a client may send CONNECT, each of at most 160,768 bytes, and pongs; anything else closes the transport, and so does silence for `CONNECT_TIMEOUT_MS`. After three CONNECTs or namespaces that were refused the transport is closed, too.\n',
  'A WebSocket message may have twice `MAX_MESSAGE_BYTES` and 65,536 bytes, with the default 196,608. A longer one is not read: the connection gets `closing` with 1003 and is closed, and Socket.IO does not come back by itself, because it would send the same again. A `data` that is too long for `MAX_MESSAGE_BYTES` and fits into this is answered with 1003, and the connection goes on.\n',
].join('\n');

function protocol(): string {
  const requests = Object.entries(REQUESTS).map(
    ([name, { does, payload, result }]) =>
      `### \`${name}\`\n\n${does}\n\nSends:\n\n${table(payload, 'input')}\nAnswer, beside \`ok: true\`:\n\n${table(result, 'output')}`,
  );
  const events = Object.entries(EVENTS).map(
    ([name, { when, payload }]) => `### \`${name}\`\n\n${when}\n\n${table(payload, 'output')}`,
  );
  const faults = Object.entries(ERROR_CODES).map(
    ([name, { code, retryable, means }]) => `| ${code} | ${name} | ${retryable ? 'yes' : 'no'} | ${means} |`,
  );
  return [
    '<!-- Generated from libs/protocol by `npm run docs`; do not edit. -->\n',
    '# Wire protocol\n',
    'Socket.IO 4, namespace `/`, WebSocket transport. REST is described at `/docs` of a running server.\n',
    '## Handshake\n',
    'Goes into Socket.IO’s `auth`. A handshake that cannot succeed as it is (1xxx, 2xxx, 5xxx) is refused with a `connect_error` whose `data` is the error; Socket.IO does not try again by itself. The same holds for a namespace other than `/` (1012).\n',
    table(Handshake, 'input'),
    TRANSPORT,
    LIMITS,
    '## Requests\n',
    'Client → server: `socket.emitWithAck(name, payload)`. Each is answered `{ ok: true, … }` or `{ ok: false, error: { code, message, retryable } }`. Fields not listed are refused.\n',
    ORDER,
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
    '## Receipts\n',
    RECEIPTS,
    table(Receipt, 'output'),
    RECEIPTS_IN_DETAIL,
    '## Delivery, as a client sees it\n',
    DELIVERY,
    '## Errors\n',
    'The thousands digit says what to do: 1 fix the request, 2 authenticate again, 3 ask for the right, 4 try again later (with the same `publishId`; after `retryAfterMs`, if the error has it), 5 report a bug.\n',
    ['| code | name | retryable | meaning |', '| --- | --- | --- | --- |', ...faults, ''].join('\n'),
  ].join('\n');
}

for (const [name, raw] of [
  ['protocol.md', protocol()],
  ['configuration.md', configurationDoc()],
] as const) {
  const path = join(DOCS, name);
  const text = await format(raw, { ...(await resolveConfig(path)), parser: 'markdown' });
  if (process.argv.includes('--write')) await writeFile(path, text);
  else if ((await readFile(path, 'utf8')) !== text) {
    process.stderr.write(`docs/${name} is out of date: run npm run docs and commit it\n`);
    process.exitCode = 1;
  }
}
