import { Injectable } from '@nestjs/common';
import type { RequestName } from '#protocol';
import { MembershipRequests } from './handlers/membership-requests.js';
import { MessageRequests } from './handlers/message-requests.js';
import { PresenceRequests } from './handlers/presence-requests.js';
import { ReadingRequests } from './handlers/reading-requests.js';
import { SessionRequests } from './handlers/session-requests.js';
import type { HandlersOf } from './request-handler.js';

/** The handlers of all requests that a client may send. One that is missing here does not compile. */
@Injectable()
export class RequestHandlers {
  readonly byName: HandlersOf<RequestName>;

  constructor(
    messages: MessageRequests,
    reading: ReadingRequests,
    memberships: MembershipRequests,
    presence: PresenceRequests,
    session: SessionRequests,
  ) {
    this.byName = {
      ...messages.handlers,
      ...reading.handlers,
      ...memberships.handlers,
      ...presence.handlers,
      ...session.handlers,
    };
  }
}
