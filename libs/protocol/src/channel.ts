import { z } from 'zod';
import { type ERROR_CODES } from './errors.js';

export const CHANNEL_NAME_MAX = 200;
/** A user id has at most this many characters. */
export const USER_ID_MAX = 200;
/** The name of an inbox has at most this many characters, because characters of the id may be encoded in it. */
const INBOX_NAME_MAX = 605;
const INBOX = 'user:';

const NAME = /^[A-Za-z0-9._:@/+-]+$/;
const ENCODED = /^(?:[A-Za-z0-9._:@/+-]|%[0-9A-F]{2})+$/;
const NOT_IN_A_NAME = /[^A-Za-z0-9._:@/+-]/gu;

/** A channel is an inbox `user:<id>`, a `group:<name>` with durable members, or `broadcast` for everyone. */
export type ChannelKind = 'user' | 'group' | 'broadcast';

/** Returns the kind of a channel; undefined means that this is no channel name at all. */
export function channelKind(channel: string): ChannelKind | undefined {
  if (channel.includes('%')) return userOf(channel) === undefined ? undefined : 'user';
  if (channel.length > CHANNEL_NAME_MAX + (channel.startsWith(INBOX) ? INBOX.length : 0)) return undefined;
  if (!NAME.test(channel)) return undefined;
  if (channel === 'broadcast') return 'broadcast';
  if (channel.startsWith(INBOX) && channel.length > INBOX.length) return isDotInbox(channel) ? undefined : 'user';
  if (channel.startsWith('group:') && channel.length > 6) return 'group';
  return undefined;
}

/**
 * Returns the channel that is the inbox of a user. A character that a channel name cannot hold is written as its bytes
 * of UTF-8, each as `%` and two upper-case hexadecimal digits: `user:auth0%7Cann`. The same in SQL is
 * `trunkline.inbox(user)`.
 */
export function inboxOf(user: string): string {
  return INBOX + (NAME.test(user) ? user : user.replace(NOT_IN_A_NAME, encode));
}

/**
 * Returns the user whose inbox a channel is; undefined means that it is no inbox. In SQL:
 * `trunkline.inbox_user(channel)`.
 */
export function userOf(channel: string): string | undefined {
  if (!channel.startsWith(INBOX)) return undefined;
  if (!channel.includes('%')) return isDotInbox(channel) ? undefined : channel.slice(INBOX.length);
  if (channel.length > INBOX_NAME_MAX || !ENCODED.test(channel.slice(INBOX.length))) return undefined;
  try {
    const user = decodeURIComponent(channel.slice(INBOX.length));
    // Each inbox has exactly one name, so only characters that need it may be encoded.
    return isUserId(user) && inboxOf(user) === channel ? user : undefined;
  } catch {
    return undefined; // the bytes are not UTF-8
  }
}

/** A dot segment stands for a directory in a URL, even encoded, so REST could not name such a user or session. */
export const isDotSegment = (id: string): boolean => id === '.' || id === '..';

/**
 * A user id is any text without control characters, as identity providers make them: `auth0|5f7c`, `jürgen`, `Ann Lee`.
 */
export function isUserId(user: string): boolean {
  if (isDotSegment(user)) return false;
  if (NAME.test(user)) return user.length <= USER_ID_MAX;
  // The inbox of a longer text has too long a name in any case, so the text need not be looked at.
  if (user.length === 0 || user.length > INBOX_NAME_MAX || !user.isWellFormed() || /\p{Cc}/u.test(user)) return false;
  return inboxOf(user).length <= INBOX_NAME_MAX && [...user].length <= USER_ID_MAX;
}

/** A channel that would be the inbox of a dot segment is none. */
function isDotInbox(channel: string): boolean {
  return channel.length <= INBOX.length + 2 && isDotSegment(channel.slice(INBOX.length));
}

function encode(character: string): string {
  let encoded = '';
  for (const byte of Buffer.from(character)) encoded += `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  return encoded;
}

/** A zod check with these parameters refuses with the named protocol error. */
export const errorParams = (errorName: keyof typeof ERROR_CODES): { params: { errorName: string } } => ({
  params: { errorName },
});

export const Channel = z
  .string()
  .refine((name) => channelKind(name) !== undefined, {
    error: `a channel is user:<id>, group:<name> or broadcast, in at most ${CHANNEL_NAME_MAX} of A-Z a-z 0-9 . _ : @ / + -; in a user id, other characters are encoded as %XX`,
    ...errorParams('BAD_CHANNEL'),
  })
  .describe('`user:<id>`, `group:<name>` or `broadcast`');

export const GroupChannel = Channel.refine((name) => channelKind(name) === 'group', {
  error: 'only group:<name> has members',
  ...errorParams('BAD_CHANNEL'),
}).describe('`group:<name>`');

const USER_ID_RULE = `1 to ${USER_ID_MAX} characters, none of them a control character, and at most ${INBOX_NAME_MAX - INBOX.length} in the name of its inbox, where some count as several; . and .. are no ids`;

/** A user id: the `sub` of a token. */
export const UserId = z.string().refine(isUserId, `has ${USER_ID_RULE}`).describe(`a user: ${USER_ID_RULE}`);

/** An id that an application chooses, such as that of a device. */
export const Identifier = z
  .string()
  .min(1)
  .max(195)
  .regex(NAME, 'only A-Z a-z 0-9 . _ : @ / + -')
  .refine((id) => !isDotSegment(id), 'not . or ..');

export const DeviceId = Identifier.max(100);
