import { z } from 'zod';

/** What a token lets its user do beyond reading its own inbox, groups and broadcast: `verb:pattern`, `*` at the end. */
export const GRANT_VERBS = ['publish', 'subscribe', 'join', 'presence', 'receipts'] as const;
export type GrantVerb = (typeof GRANT_VERBS)[number];

/** The longest verb, the longest name of a channel, and a colon and a star. */
const GRANT_MAX = 9 + 605 + 2;

export const Grant = z
  .string()
  .max(GRANT_MAX)
  .regex(
    /^(publish|subscribe|join|presence|receipts):(?:[A-Za-z0-9._:@/+-]|%[0-9A-F]{2})*\*?$/,
    'verb:pattern with publish, subscribe, join, presence or receipts, e.g. publish:user:*; the user auth0|ann is user:auth0%7Cann',
  )
  .describe('`publish:user:*`, `join:group:staff`, `publish:user:auth0%7Cann`, `subscribe:*` …');

/** True if one of the grants lets its holder do `verb` on `channel`. */
export function isGranted(grants: readonly string[], verb: GrantVerb, channel: string): boolean {
  return grants.some((grant) => grant.startsWith(`${verb}:`) && matchesPattern(grant.slice(verb.length + 1), channel));
}

/** A pattern is the name of a channel, or its beginning and a `*`. */
export function matchesPattern(pattern: string, channel: string): boolean {
  return pattern.endsWith('*') ? channel.startsWith(pattern.slice(0, -1)) : channel === pattern;
}
