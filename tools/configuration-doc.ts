import { ALL_SETTINGS } from '#config';
import { limitTable } from './limit-table.js';

/** Variables that the table shows below a variable of another group, because a reader looks for them there. */
const SHOWN_BELOW: Readonly<Record<string, string>> = {
  ADMIN_API_KEYS: 'API_KEYS',
  MAX_REQUESTS_PER_S_PER_USER: 'MAX_REQUESTS_PER_S',
  MAX_BYTES_PER_S_PER_USER: 'MAX_BYTES_PER_S',
  MAX_WAITING_PUBLISHES: 'RECEIPTS_MAX_MEMBERS',
  PUBLISH_DEADLINE_MS: 'MAX_WAITING_PUBLISHES',
  CONNECTION_TIMEOUT_MS: 'HEARTBEAT_MS',
  DEDUPE_HOURS: 'IDLE_DEVICE_DAYS',
  ADMIN_AUDIT_DAYS: 'DEDUPE_HOURS',
};

type Listed = (typeof ALL_SETTINGS)[number];

/** The text of docs/configuration.md, before prettier. */
export function configurationDoc(): string {
  return [
    '<!-- Generated from libs/config by `npm run docs`; do not edit. -->\n',
    '# Configuration\n',
    'All settings come from the environment and are read once. A wrong one stops the start with a line that names it.\n',
    ['| variable | default | meaning |', '| --- | --- | --- |', ...inOrder().map(rowOf), ''].join('\n'),
    '## What a client may do by default\n',
    'A setting of 0 lifts a limit. A refusal with 4003 or 4010 says when to come back, in `retryAfterMs`.\n',
    limitTable(),
  ].join('\n');
}

function inOrder(): Listed[] {
  const withThoseBelow = (setting: Listed): Listed[] => [
    setting,
    ...ALL_SETTINGS.filter(({ variable }) => SHOWN_BELOW[variable] === setting.variable).flatMap(withThoseBelow),
  ];
  return ALL_SETTINGS.filter(({ variable }) => !Object.hasOwn(SHOWN_BELOW, variable)).flatMap(withThoseBelow);
}

function rowOf({ variable, facts, choices }: Listed): string {
  const hasDefault = facts.default !== undefined && !(Array.isArray(facts.default) && facts.default.length === 0);
  const listed = choices?.map((choice) => `\`${choice}\``).join(', ');
  const text = [facts.doc, listed && `one of ${listed}`].filter(Boolean).join('; ');
  return `| \`${variable}\` | ${hasDefault ? `\`${String(facts.default)}\`` : ''} | ${text.replaceAll('|', '\\|')} |`;
}
