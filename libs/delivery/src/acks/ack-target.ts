import type { Recipient } from '#message-persistence';

/** The device and the channel that an attempt or an acknowledgement belongs to. A subscription is one. */
export interface AckTarget {
  readonly connection: { readonly key: Recipient };
  readonly channel: { readonly name: string };
  /** The position of the device in this channel is kept: it is an inbox, or the group of a member. */
  readonly isDurable: boolean;
  /** The number of the attempt that is under way, from 1. */
  readonly attempt: number;
}
