/** How a message wants to be delivered; null for almost all. Stored as JSON with the message. */
export interface Controls {
  /** A device that was away gets only the newest message of this key. */
  readonly collapseKey?: string;
  readonly deliverTo?: 'first-device';
  readonly exceptUser?: string;
  readonly exceptDevice?: { readonly user: string; readonly deviceId: string };
  readonly exceptConnection?: string;
  readonly receipts?: readonly ('delivered' | 'read')[];
}
