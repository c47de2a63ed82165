import { z } from 'zod';
import { DeviceId } from './channel.js';
import { Ack, Token } from './request.js';

export const DEFAULT_DEVICE = 'default';

/** Socket.IO's `auth` object. The token never goes into the URL: URLs end up in logs. */
export const Handshake = z.strictObject({
  token: Token,
  deviceId: DeviceId.optional().describe(
    `one installation of the client, with positions of its own; left out: \`${DEFAULT_DEVICE}\`, shared by all such connections of the user`,
  ),
  resume: Ack.optional().describe('what this device has processed already, as in `ack`'),
});
export type Handshake = z.infer<typeof Handshake>;

/** What is looked at first: of a stranger the rest is not worth it. */
export const HandshakeToken = z.object({ token: Token });
