import { Module } from '@nestjs/common';
import { CleanupModule } from '#cleanup';
import { Eraser } from './eraser.js';
import { AdminChannelsController } from './routes/admin-channels.controller.js';
import { AdminConnectionsController } from './routes/admin-connections.controller.js';
import { AdminDeadLettersController } from './routes/admin-dead-letters.controller.js';
import { AdminInstancesController } from './routes/admin-instances.controller.js';
import { AdminErasureController } from './routes/admin-erasure.controller.js';
import { AdminJobsController } from './routes/admin-jobs.controller.js';
import { AdminMessagesController } from './routes/admin-messages.controller.js';
import { AdminOverviewController } from './routes/admin-overview.controller.js';
import { AdminSuspectsController } from './routes/admin-suspects.controller.js';
import { AdminUsersController } from './routes/admin-users.controller.js';

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
