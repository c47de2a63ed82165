import { Injectable } from '@nestjs/common';
import { Presence } from '#connection-manager';
import { Delivery } from '#delivery';
import type { HandlersOf } from '../request-handler.js';
import { aboutRights } from '../request-order.js';
import type { Requester } from '../requester.js';

/** The requests that change the rights of a connection: a new token, and the end of its session. */
@Injectable()
export class SessionRequests {
  readonly handlers: HandlersOf<'token' | 'logout'> = {
    token: {
      order: aboutRights,
      handle: async (requester, { token }) => {
        const expiresAtMs = await requester.session.renew(token);
        await this.endUngranted(requester);
        return { expiresAt: new Date(expiresAtMs).toISOString() };
      },
    },
    logout: {
      order: aboutRights,
      handle: async (requester) => {
        await requester.session.logout();
        requester.isLoggedOut = true;
        return {};
      },
    },
  };

  constructor(
    private readonly delivery: Delivery,
    private readonly presence: Presence,
  ) {}

  /**
   * Ends the subscriptions and watches for which the client no longer has the grants. Memberships stay, because they
   * are the user's and not the token's.
   */
  private async endUngranted({ connection, rights, transport, watcher }: Requester): Promise<void> {
    for (const channel of this.delivery.subscriptions.askedFor(connection)) {
      if (rights.has('subscribe', channel)) continue;
      this.delivery.subscriptions.unsubscribe(connection, channel);
      transport.ended({ channel, request: 'subscribe' });
    }
    if (watcher) await this.presence.review(watcher);
  }
}
