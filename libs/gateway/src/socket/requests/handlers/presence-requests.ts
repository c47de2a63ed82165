import { Injectable } from '@nestjs/common';
import { Presence } from '#connection-manager';
import type { HandlersOf } from '../request-handler.js';
import { aboutWatch, MEMBERSHIPS, PRESENCE, RIGHTS } from '../request-order.js';

/** The requests about who is online. `Presence` itself decides who may see whom. */
@Injectable()
export class PresenceRequests {
  readonly handlers: HandlersOf<'presence' | 'watch' | 'unwatch'> = {
    presence: {
      order: () => ({ waits: [RIGHTS, MEMBERSHIPS], holds: [PRESENCE] }),
      handle: (requester, { channel }) =>
        requester.longAnswers.make('users', () => this.presence.query(requester.watch(this.presence), channel)),
    },
    watch: {
      order: aboutWatch,
      handle: (requester, { channel }) =>
        requester.longAnswers.make('users', async () => ({
          channel,
          online: await this.presence.watch(requester.watch(this.presence), channel),
        })),
    },
    unwatch: {
      order: aboutWatch,
      handle: (requester, { channel }) => {
        this.presence.unwatch(requester.watch(this.presence), channel);
        return Promise.resolve({ channel });
      },
    },
  };

  constructor(private readonly presence: Presence) {}
}
