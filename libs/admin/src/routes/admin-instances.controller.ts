import { Controller, Get, Param, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { z } from 'zod';
import { InstanceCommands, RegistryQueries, type InstanceRow } from '#connection-manager';
import { SchemaPipe } from '#http';
import { admin, ProtocolError } from '#protocol';
import { Administered } from '../administered.js';
import { EXAMPLE, INSTANCE_EXAMPLE, PARAM } from '../examples.js';

@ApiTags('admin')
@Controller('admin/v1/instances')
export class AdminInstancesController {
  constructor(
    private readonly registryQueries: RegistryQueries,
    private readonly commands: InstanceCommands,
  ) {}

  @Get()
  @Administered({
    scope: 'read',
    summary: 'The instances, and what each holds',
    answer: admin.InstancesAnswer,
    answerExample: { ok: true, instances: [INSTANCE_EXAMPLE] },
    errors: [],
  })
  async list(): Promise<z.infer<typeof admin.InstancesAnswer>> {
    return { ok: true, instances: (await this.registryQueries.instances()).map(toInstance) };
  }

  @Post(':instance/drain')
  @Administered({
    scope: 'operate',
    action: 'drain-instance',
    summary: 'Drain an instance as SIGTERM does: its clients go elsewhere, its process ends with 0',
    params: { instance: PARAM.instance },
    answer: admin.DrainAnswer,
    answerExample: { ok: true, instanceId: EXAMPLE.instance },
    errors: ['NOT_FOUND'],
  })
  async drain(
    @Param('instance', new SchemaPipe(admin.InstanceId)) instanceId: string,
  ): Promise<z.infer<typeof admin.DrainAnswer>> {
    if (!(await this.commands.drain(instanceId))) throw new ProtocolError('NOT_FOUND', 'there is no such instance');
    return { ok: true, instanceId };
  }
}

export function toInstance(row: InstanceRow): z.infer<typeof admin.Instance> {
  const alive = row.draining ? 'draining' : 'serving';
  return {
    instanceId: row.instance_id,
    startedAt: row.started_at.toISOString(),
    leaseExpiresAt: row.lease_expires_at.toISOString(),
    state: row.is_lease_over ? 'silent' : alive,
    connections: row.connections,
    channels: row.routes,
  };
}
