import { z } from 'zod';

/**
 * A grant is `verb:pattern`, where the pattern may end with `*`. With grants, the user of a token may do more than read
 * its own inbox, groups and broadcast.
 */
export const GRANT_VERBS = ['publish', 'subscribe', 'join', 'presence', 'receipts'] as const;
export type GrantVerb = (typeof GRANT_VERBS)[number];

/** The longest grant consists of the longest verb, a colon, the longest channel name and a star. */
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

/** A pattern is a channel name, or the beginning of one followed by `*`. */
export function matchesPattern(pattern: string, channel: string): boolean {
  return pattern.endsWith('*') ? channel.startsWith(pattern.slice(0, -1)) : channel === pattern;
}
