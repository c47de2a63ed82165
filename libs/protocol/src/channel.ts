import { z } from 'zod';
import { type FAULTS } from './fault.js';

export const CHANNEL_NAME_MAX = 200;

const NAME = /^[A-Za-z0-9._:@/+-]+$/;

/** `user:<id>`, an inbox · `group:<name>`, durable membership · `broadcast`, everyone. */
export type ChannelKind = 'user' | 'group' | 'broadcast';

/** The kind of a channel name, or undefined if it is not a channel name at all. */
export function channelKind(channel: string): ChannelKind | undefined {
  if (channel.length > CHANNEL_NAME_MAX || !NAME.test(channel)) return undefined;
  if (channel === 'broadcast') return 'broadcast';
  if (channel.startsWith('user:') && channel.length > 5) return 'user';
  if (channel.startsWith('group:') && channel.length > 6) return 'group';
  return undefined;
}

export function inboxOf(user: string): string {
  return `user:${user}`;
}

/** A refusal that carries its own fault code through zod. */
export const faultParams = (fault: keyof typeof FAULTS): { params: { fault: string } } => ({ params: { fault } });

export const Channel = z
  .string()
  .refine((name) => channelKind(name) !== undefined, {
    error: `a channel is user:<id>, group:<name> or broadcast, in at most ${CHANNEL_NAME_MAX} of A-Z a-z 0-9 . _ : @ / + -`,
    ...faultParams('BAD_CHANNEL'),
  })
  .describe('`user:<id>`, `group:<name>` or `broadcast`');

export const GroupChannel = Channel.refine((name) => channelKind(name) === 'group', {
  error: 'only group:<name> has members',
  ...faultParams('BAD_CHANNEL'),
}).describe('`group:<name>`');

/** A user or device id: what may stand behind `user:` in a channel name. */
export const Identifier = z
  .string()
  .min(1)
  .max(CHANNEL_NAME_MAX - 'user:'.length)
  .regex(NAME, 'only A-Z a-z 0-9 . _ : @ / + -');
