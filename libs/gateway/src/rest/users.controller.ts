import { Controller, Get, Inject, Param, UseGuards } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { z } from 'zod';
import { Registry } from '#connection-manager';
import { Identifier, rest } from '#protocol';
import { ApiKeyGuard } from './api-key.guard.js';
import { Documented } from './document.js';
import { SchemaPipe } from './schema.pipe.js';

/** Users, for back ends. */
@ApiTags('users')
@Controller('v1/users')
@UseGuards(ApiKeyGuard)
export class UsersController {
  constructor(@Inject(Registry) private readonly registry: Registry) {}

  @Get(':id/connections')
  @Documented({
    summary: 'Where a user is connected now, on every instance',
    params: { id: 'the user, percent-encoded' },
    answer: rest.ConnectionsAnswer,
    faults: ['BAD_REQUEST'],
  })
  async connections(
    @Param('id', new SchemaPipe(Identifier)) user: string,
  ): Promise<z.infer<typeof rest.ConnectionsAnswer>> {
    const rows = await this.registry.connectionsOf(user);
    return {
      ok: true,
      user,
      connections: rows.map((row) => ({
        connectionId: row.connection_id,
        instanceId: row.instance_id,
        deviceId: row.device_id,
        connectedAt: row.connected_at.toISOString(),
        address: row.address,
      })),
    };
  }
}
