import { Controller, Delete, Get, Param, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { InstanceCommands, RegistryQueries, type ListedConnectionRow } from '#connection-manager';
import { SchemaPipe, toConnectionView } from '#http';
import { admin, ProtocolError } from '#protocol';
import { Administered } from '../administered.js';
import { CONNECTION_EXAMPLE, EXAMPLE, PARAM } from '../examples.js';
import { readCursor, readPage } from '../page.js';

const Key = z.tuple([z.string().max(200), z.string().max(100)]);

@ApiTags('admin')
@Controller('admin/v1/connections')
export class AdminConnectionsController {
  constructor(
    private readonly registryQueries: RegistryQueries,
    private readonly commands: InstanceCommands,
  ) {}

  @Get()
  @Administered({
    scope: 'read',
    summary: 'The connections on all instances, by user; those that fit every filter given',
    query: admin.ConnectionsQuery,
    queryExample: { user: EXAMPLE.user, instance: EXAMPLE.instance, limit: 50 },
    answer: admin.ConnectionsAnswer,
    answerExample: {
      ok: true,
      connections: [
        { user: EXAMPLE.user, ...CONNECTION_EXAMPLE, sessionId: EXAMPLE.session, lastHeartbeatAt: EXAMPLE.later },
      ],
      next: null,
    },
    errors: ['UNKNOWN_FIELD'],
  })
  async list(
    @Query(new SchemaPipe(admin.ConnectionsQuery))
    { limit, cursor, ...filter }: z.infer<typeof admin.ConnectionsQuery>,
  ): Promise<z.infer<typeof admin.ConnectionsAnswer>> {
    const after = readCursor(Key, cursor);
    const keyOf = ({ user_id, connection_id }: ListedConnectionRow): string[] => [user_id, connection_id];
    const { rows, next } = await readPage(limit, keyOf, (count) =>
      this.registryQueries.connections(filter, after, count),
    );
    return { ok: true, connections: rows.map(toConnection), next };
  }

  @Delete(':connection')
  @Administered({
    scope: 'operate',
    action: 'disconnect-connection',
    summary: 'Close a connection on whichever instance, with 4009; its client may come back at once',
    params: { connection: PARAM.connection },
    answer: admin.DisconnectedAnswer,
    answerExample: { ok: true, ordered: 1 },
    errors: ['NOT_FOUND'],
  })
  async disconnect(
    @Param('connection', new SchemaPipe(admin.ConnectionId)) connectionId: string,
  ): Promise<z.infer<typeof admin.DisconnectedAnswer>> {
    const ordered = await this.commands.disconnect(connectionId);
    if (ordered === 0) throw new ProtocolError('NOT_FOUND', 'there is no such connection');
    return { ok: true, ordered };
  }
}

function toConnection(row: ListedConnectionRow): z.infer<typeof admin.Connection> {
  return {
    user: row.user_id,
    ...toConnectionView(row),
    sessionId: row.session_id,
    lastHeartbeatAt: row.last_heartbeat.toISOString(),
  };
}
