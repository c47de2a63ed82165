import { Injectable } from '@nestjs/common';
import { Presence } from '#connection-manager';
import { Delivery } from '#delivery';
import type { HandlersOf } from '../request-handler.js';
import { aboutMembership } from '../request-order.js';

/** The requests by which a user becomes a member of a group and ends its membership. */
@Injectable()
export class MembershipRequests {
  readonly handlers: HandlersOf<'join' | 'leave'> = {
    join: {
      right: 'join',
      order: aboutMembership,
      takesTurn: true,
      handle: async ({ user, connection, rights }, { channel }) => {
        if (!rights.isMember(channel)) this.delivery.subscriptions.assertRoom(connection);
        const seq = await this.delivery.join(user, channel, true);
        this.presence.forget(channel);
        return { channel, seq };
      },
    },
    leave: {
      order: aboutMembership,
      takesTurn: true,
      handle: async ({ user }, { channel }) => {
        await this.delivery.leave(user, channel);
        this.presence.forget(channel);
        return { channel };
      },
    },
  };

  constructor(
    private readonly delivery: Delivery,
    private readonly presence: Presence,
  ) {}
}
