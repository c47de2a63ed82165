import { z } from 'zod';
import { Channel, channelKind, errorParams } from './channel.js';

/** An inbox stands for the presence of its user, a group for the presence of its members. */
export const PresenceChannel = Channel.refine((name) => channelKind(name) !== 'broadcast', {
  error: 'presence is that of user:<id> or of group:<name>',
  ...errorParams('BAD_CHANNEL'),
}).describe('`user:<id>`: that user; `group:<name>`: its members');

export const UserPresence = z
  .strictObject({
    user: z.string(),
    isOnline: z.boolean().describe('a connection of the user is alive, on any instance'),
    lastSeenAt: z.iso.datetime().nullable().describe('its last known sign of life; null: never seen'),
  })
  .meta({ id: 'UserPresence' });
export type UserPresence = z.infer<typeof UserPresence>;

export const ChannelPresence = z
  .strictObject({
    channel: PresenceChannel,
    members: z.int().describe('of the group; 1 for a user'),
    online: z.int().describe('how many of them are online'),
    users: z.array(UserPresence).describe('at most 1000, those online first; the counts are of all'),
  })
  .meta({ id: 'ChannelPresence' });
export type ChannelPresence = z.infer<typeof ChannelPresence>;
