import { Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { ErrorFilter } from '#http';
import { ChannelsController } from './rest/channels.controller.js';
import { DeadLettersController } from './rest/dead-letters.controller.js';
import { GroupsController } from './rest/groups.controller.js';
import { MessagesController } from './rest/messages.controller.js';
import { UsersController } from './rest/users.controller.js';
import { ClientGateway } from './socket/client.gateway.js';

/** The edges: Socket.IO for clients, REST for back ends. */
@Module({
  providers: [ClientGateway, { provide: APP_FILTER, useClass: ErrorFilter }],
  controllers: [MessagesController, ChannelsController, UsersController, GroupsController, DeadLettersController],
  exports: [ClientGateway],
})
export class GatewayModule {}
