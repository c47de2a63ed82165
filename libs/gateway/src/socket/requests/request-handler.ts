import type { ChannelRight } from '#auth';
import type { RequestName, RequestPayload, RequestResult } from '#protocol';
import type { RequestDependencies } from './request-order.js';
import type { Requester } from './requester.js';

/** All that is said about one request: the right it needs, its order among the others, and what it does. */
export interface RequestHandler<N extends RequestName> {
  /** The right that the client needs on the channel. Undefined means that none is needed, or that `handle` decides. */
  readonly right?: ChannelRight;
  readonly order: (channel: string) => RequestDependencies;
  /** True if the order is settled as soon as the request has begun, so that those behind it need not wait for it. */
  readonly isDoneOnceBegun?: boolean;
  /**
   * True if the request needs a statement for itself, or an item in a batch. A user has a few of these under way at
   * once, and the others wait for the user's turn. A long answer takes its turn only once the network has taken the
   * answers before.
   */
  readonly takesTurn?: boolean;
  /** @param json the text that the request came in; undefined if that is not known */
  readonly handle: (
    requester: Requester,
    payload: RequestPayload<N>,
    json: string | undefined,
  ) => Promise<RequestResult<N>>;
}

export type HandlersOf<Names extends RequestName> = { readonly [N in Names]: RequestHandler<N> };
