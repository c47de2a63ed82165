import { Injectable } from '@nestjs/common';
import { Delivery } from '#delivery';
import { HISTORY_LIMIT } from '#protocol';
import type { HandlersOf } from '../request-handler.js';
import { aboutChannel, RIGHTS } from '../request-order.js';

/** The requests by which a client reads channels and says how far it has come. */
@Injectable()
export class ReadingRequests {
  readonly handlers: HandlersOf<'subscribe' | 'unsubscribe' | 'history' | 'ack' | 'read'> = {
    subscribe: {
      right: 'subscribe',
      order: aboutChannel,
      takesTurn: true,
      handle: async ({ connection }, { channel, sinceSeq }) => ({
        channel,
        ...(await this.delivery.subscriptions.subscribe(connection, channel, sinceSeq)),
      }),
    },
    unsubscribe: {
      order: aboutChannel,
      handle: ({ connection }, { channel }) => {
        this.delivery.subscriptions.unsubscribe(connection, channel);
        return Promise.resolve({ channel });
      },
    },
    history: {
      right: 'subscribe',
      order: aboutChannel,
      isDoneOnceBegun: true,
      handle: ({ connection: { key }, rights, longAnswers }, { channel, ...bounds }) => {
        const { afterSeq = 0, beforeSeq, from, to, order = 'asc', limit = HISTORY_LIMIT } = bounds;
        const { memberRights, log } = this.delivery;
        const isAsMember = rights.readsAsMember(channel);
        const within = { afterSeq, beforeSeq, from, to, order, limit };
        return longAnswers.make('page', () =>
          isAsMember ? memberRights.history(key, channel, within) : log.history(channel, within, key),
        );
      },
    },
    ack: {
      // An acknowledgement always passes, because it moves a position forward, in whatever order.
      order: () => ({ waits: [], holds: [] }),
      handle: async ({ connection }, positions) => {
        await this.delivery.acknowledge(connection, positions);
        return {};
      },
    },
    read: {
      order: () => ({ waits: [RIGHTS], holds: [] }),
      isDoneOnceBegun: true,
      takesTurn: true,
      handle: async ({ connection }, positions) => {
        await this.delivery.read(connection, positions);
        return {};
      },
    },
  };

  constructor(private readonly delivery: Delivery) {}
}
