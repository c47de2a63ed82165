import { Module } from '@nestjs/common';
import { CleanupModule } from '#cleanup';
import { Eraser } from './eraser.js';
import { ChannelsController } from './routes/channels.controller.js';
import { ConnectionsController } from './routes/connections.controller.js';
import { DeadLettersController } from './routes/dead-letters.controller.js';
import { InstancesController } from './routes/instances.controller.js';
import { ErasureController } from './routes/erasure.controller.js';
import { JobsController } from './routes/jobs.controller.js';
import { MessagesController } from './routes/messages.controller.js';
import { OverviewController } from './routes/overview.controller.js';
import { SuspectsController } from './routes/suspects.controller.js';
import { UsersController } from './routes/users.controller.js';

/** This module is imported only where ADMIN_API_KEYS is set; otherwise its routes do not exist. */
@Module({
  imports: [CleanupModule],
  controllers: [
    OverviewController,
    InstancesController,
    ConnectionsController,
    UsersController,
    ChannelsController,
    MessagesController,
    DeadLettersController,
    JobsController,
    ErasureController,
    SuspectsController,
  ],
  providers: [Eraser],
})
export class AdminModule {}
