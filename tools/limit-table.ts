import { ALL_SETTINGS } from '#config';

/** The rows of the table of limits in docs/configuration.md. $ stands for the default of the variable. */
const ROWS: readonly (readonly [who: string, may: string, beyond: string, variable: string])[] = [
  ['a connection', '$ requests/s, three times as many at once', '4010, then closed', 'MAX_REQUESTS_PER_S'],
  [
    'a user, on an instance',
    '$ requests/s, three times as many at once',
    '4010, then closed',
    'MAX_REQUESTS_PER_S_PER_USER',
  ],
  [
    'a connection',
    '$ bytes/s of requests and a quarter of those of long answers, three times as many at once',
    '4010, then closed',
    'MAX_BYTES_PER_S',
  ],
  ['a user, on an instance', '$ bytes/s, three times as many at once', '4010, then closed', 'MAX_BYTES_PER_S_PER_USER'],
  ['a connection', '$ acknowledgements/s, three times as many at once', '4010, then closed', 'MAX_ACKS_PER_S'],
  ['a user, on all instances', '$ publishes and schedules in any second', '4010', 'MAX_PUBLISHES_PER_USER_PER_S'],
  ['a user, on all instances', '$ connects in any minute', '4010 in `closing`', 'MAX_LOGINS_PER_USER_PER_MIN'],
  ['a user, on an instance', '$ connections', '4007', 'MAX_CONNECTIONS_PER_USER'],
  [
    'a connection',
    '$ bytes that wait for an answer or unread',
    'not read from, closed after 30 s',
    'MAX_WAITING_BYTES',
  ],
  [
    'a user, on an instance',
    '$ bytes that wait or are unread',
    'not read from, closed after 30 s',
    'MAX_WAITING_BYTES_PER_USER',
  ],
  [
    'an instance',
    '$ bytes that wait or are unread',
    '4003, and who left most unread is closed',
    'MAX_WAITING_BYTES_IN_ALL',
  ],
  ['a user', 'a tenth of $ publishes waiting for a commit, an API key a half', '4003', 'MAX_WAITING_PUBLISHES'],
  [
    'a user or API key',
    'half of $ statements under way; the others wait for their turn',
    '4003 beyond 2,000',
    'DATABASE_POOL',
  ],
  ['a connection', '$ channels', '1011', 'MAX_CHANNELS'],
  ['a connection', '$ watches of presence', '1016', 'MAX_WATCHES'],
  ['a user', '$ devices', 'the one away longest gives way, or 1019', 'MAX_DEVICES_PER_USER'],
  ['a user', '$ groups joined by itself', '1019', 'MAX_GROUPS_PER_USER'],
  ['a user', '$ scheduled messages, at most 366 days ahead', '1019', 'MAX_SCHEDULED_PER_USER'],
  [
    'a publisher',
    'receipts in groups of up to $ members',
    '3001 without the grant `receipts:`',
    'RECEIPTS_MAX_MEMBERS',
  ],
  ['a message', '$ bytes of JSON', '1003', 'MAX_MESSAGE_BYTES'],
  ['an address', '$ upgrades/s, ten times as many at once', 'HTTP 429', 'MAX_HANDSHAKES_PER_S_PER_ADDRESS'],
  [
    'an address',
    '$ wrong tokens/s, ten times as many at once',
    '4010; a right one passes',
    'MAX_REFUSED_TOKENS_PER_S_PER_ADDRESS',
  ],
  ['an address', '$ suspicions a minute', '429 to what fails, for a minute', 'SUSPICIONS_PER_MINUTE'],
  ['an address', '$ HTTP requests/s without a good key', '429', 'STRANGER_REQUESTS_PER_S'],
  ['an address', '$ TCP connections that have shown nothing', 'the oldest is closed', 'MAX_PENDING_PER_ADDRESS'],
  ['an API or admin key', '$ requests/s, twice as many at once', '429', 'KEY_REQUESTS_PER_S'],
  ['an API or admin key', '$ bytes/s of bodies, twice as many at once', '429', 'KEY_BYTES_PER_S'],
  ['an instance', '$ WebSockets on which nobody is let in yet', 'the oldest of the address with most', 'MAX_HALF_OPEN'],
];

export function limitTable(): string {
  const rows = ROWS.map(([who, may, beyond, variable]) => {
    const text = may.replace('$', defaultOf(variable));
    return `| ${who} | ${text} | \`${variable}\` | ${beyond} |`;
  });
  return ['| who | may, by default | setting | beyond it |', '| --- | --- | --- | --- |', ...rows, ''].join('\n');
}

function defaultOf(variable: string): string {
  const setting = ALL_SETTINGS.find((candidate) => candidate.variable === variable);
  if (!setting) throw new Error(`${variable} is no setting of libs/config`);
  return Number(setting.facts.default).toLocaleString('en');
}
