import { createHash } from 'node:crypto';

/** Stays far enough below the 195 characters of an id for what the roster and the run append. */
const ID_MAX = 150;

/**
 * Makes a user id of a nick. Nicks may hold `[]{}|^\` and any other byte, ids may not: everything but letters, digits,
 * `.`, `_` and `-` becomes `+` and the two hex digits of each UTF-8 byte. Different nicks have different ids. Of a very
 * long nick the end is replaced by a digest behind `+h`, which no escape can spell.
 */
export function userIdOf(nick: string): string {
  const escaped = nick.replace(/[^A-Za-z0-9._-]/gu, escapeBytes);
  if (escaped.length <= ID_MAX) return escaped;
  const digest = createHash('sha256').update(nick).digest('hex');
  return `${escaped.slice(0, ID_MAX - 66)}+h${digest}`;
}

function escapeBytes(character: string): string {
  return Array.from(Buffer.from(character), (byte) => `+${byte.toString(16).padStart(2, '0')}`).join('');
}
