/** How a message wants to be delivered; null for almost all. Stored as JSON with the message. */
export interface Controls {
  /** A device that was away gets only the newest message of this key. */
  readonly collapseKey?: string;
  /** Whose key it is: `user:<id>`, `api:<name>` or `sql:<role>`. Written by the append, for every way in. */
  readonly collapseBy?: string;
  readonly deliverTo?: 'first-device';
  readonly exceptUser?: string;
  readonly exceptConnection?: string;
  readonly receipts?: readonly ('delivered' | 'read')[];
}
