/** The delivery options of a message, stored with it as JSON. Almost all messages have none: null. */
export interface DeliveryOptions {
  /** A device that was away gets only the newest message of this key. */
  readonly collapseKey?: string;
  /** The publisher whose key it is: `user:<id>`, `api:<name>` or `sql:<role>`. The append writes it beside the key. */
  readonly collapseBy?: string;
  readonly deliverTo?: 'first-device';
  readonly exceptUser?: string;
  readonly exceptDevice?: { readonly user: string; readonly deviceId: string };
  readonly exceptConnection?: string;
  readonly receipts?: readonly ('delivered' | 'read')[];
}

/** A reader of messages: a connection of a device of a user. */
export interface Recipient {
  readonly user: string;
  readonly deviceId: string;
  readonly connectionId: string;
}

/** Tells whether the publisher excluded this recipient; `withheld` in sql/unavailable-reason.sql.ts says the same in SQL. */
export function isWithheld(
  { exceptUser, exceptDevice, exceptConnection }: DeliveryOptions,
  { user, deviceId, connectionId }: Recipient,
): boolean {
  if (exceptUser === user || exceptConnection === connectionId) return true;
  return exceptDevice !== undefined && exceptDevice.user === user && exceptDevice.deviceId === deviceId;
}
