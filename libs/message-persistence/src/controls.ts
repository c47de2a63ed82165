/** How a message wants to be delivered; null for almost all. Stored as JSON with the message. */
export interface Controls {
  /** A device that was away gets only the newest message of this key. */
  readonly collapseKey?: string;
  /** Whose key it is: `user:<id>`, `api:<name>` or `sql:<role>`. Written by the append, for every way in. */
  readonly collapseBy?: string;
  readonly deliverTo?: 'first-device';
  readonly exceptUser?: string;
  readonly exceptDevice?: { readonly user: string; readonly deviceId: string };
  readonly exceptConnection?: string;
  readonly receipts?: readonly ('delivered' | 'read')[];
}

/** Who asks for a message: a connection of a device of a user. */
export interface Recipient {
  readonly user: string;
  readonly deviceId: string;
  readonly connectionId: string;
}

/** By its publisher's wish this recipient does not get the message; `gone` in sql/gone.sql.ts says the same in SQL. */
export function isWithheld(
  { exceptUser, exceptDevice, exceptConnection }: Controls,
  { user, deviceId, connectionId }: Recipient,
): boolean {
  if (exceptUser === user || exceptConnection === connectionId) return true;
  return exceptDevice !== undefined && exceptDevice.user === user && exceptDevice.deviceId === deviceId;
}
