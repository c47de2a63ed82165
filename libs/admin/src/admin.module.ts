import { Module } from '@nestjs/common';
import { CleanupModule } from '#cleanup';
import { Eraser } from './eraser.js';
import { AdminChannelsController } from './routes/channels.controller.js';
import { AdminConnectionsController } from './routes/connections.controller.js';
import { AdminDeadLettersController } from './routes/dead-letters.controller.js';
import { AdminInstancesController } from './routes/instances.controller.js';
import { AdminErasureController } from './routes/erasure.controller.js';
import { AdminJobsController } from './routes/jobs.controller.js';
import { AdminMessagesController } from './routes/messages.controller.js';
import { AdminOverviewController } from './routes/overview.controller.js';
import { AdminSuspectsController } from './routes/suspects.controller.js';
import { AdminUsersController } from './routes/users.controller.js';

/** This module is imported only where ADMIN_API_KEYS is set; otherwise its routes do not exist. */
@Module({
  imports: [CleanupModule],
  controllers: [
    AdminOverviewController,
    AdminInstancesController,
    AdminConnectionsController,
    AdminUsersController,
    AdminChannelsController,
    AdminMessagesController,
    AdminDeadLettersController,
    AdminJobsController,
    AdminErasureController,
    AdminSuspectsController,
  ],
  providers: [Eraser],
})
export class AdminModule {}
