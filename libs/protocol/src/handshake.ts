import { z } from 'zod';
import { DeviceId } from './channel.js';
import { Ack, Token } from './client-requests.js';

export const DEFAULT_DEVICE = 'default';

/**
 * Clients send this as the `auth` object of Socket.IO. The token never goes into the URL, because URLs end up in logs.
 */
export const Handshake = z.strictObject({
  token: Token,
  deviceId: DeviceId.optional().describe(
    `one installation of the client, with positions of its own; left out: \`${DEFAULT_DEVICE}\`, shared by all such connections of the user. Make it once and keep it: a user has \`MAX_DEVICES_PER_USER\`, and one more takes the place of the one not seen for longest, or gets \`closing\` with 1019 if all were seen within a day`,
  ),
  resume: Ack.optional().describe('what this device has processed already, as in `ack`'),
});
export type Handshake = z.infer<typeof Handshake>;

/** The token is read before the rest of a handshake, which is not worth reading for a stranger. */
export const HandshakeToken = z.object({ token: Token });
