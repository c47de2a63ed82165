import { Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { ErrorFilter } from '#http';
import { ChannelsController } from './rest/channels.controller.js';
import { DeadLettersController } from './rest/dead-letters.controller.js';
import { GroupsController } from './rest/groups.controller.js';
import { MessagesController } from './rest/messages.controller.js';
import { PublishController } from './rest/publish.controller.js';
import { UsersController } from './rest/users.controller.js';
import { ClientGateway } from './socket/client.gateway.js';
import { MembershipRequests } from './socket/requests/handlers/membership-requests.js';
import { MessageRequests } from './socket/requests/handlers/message-requests.js';
import { PresenceRequests } from './socket/requests/handlers/presence-requests.js';
import { ReadingRequests } from './socket/requests/handlers/reading-requests.js';
import { SessionRequests } from './socket/requests/handlers/session-requests.js';
import { RequestHandlers } from './socket/requests/request-handlers.js';

const REQUESTS = [MessageRequests, ReadingRequests, MembershipRequests, PresenceRequests, SessionRequests];

/** The edges: Socket.IO for clients, REST for back ends. */
@Module({
  providers: [ClientGateway, RequestHandlers, ...REQUESTS, { provide: APP_FILTER, useClass: ErrorFilter }],
  controllers: [
    PublishController,
    MessagesController,
    ChannelsController,
    UsersController,
    GroupsController,
    DeadLettersController,
  ],
  exports: [ClientGateway],
})
export class GatewayModule {}
