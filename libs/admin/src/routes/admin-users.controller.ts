import { Body, Controller, Delete, Get, Param, Put, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Bans, InstanceCommands, Registry, Sessions, type BanRow } from '#connection-manager';
import { SchemaPipe, toConnectionView, toSessionView } from '#http';
import { Inventory, type CursorRow, type UserRow } from '#message-persistence';
import { admin, ProtocolError, UserId } from '#protocol';
import { Administered } from '../administered.js';
import { CONNECTION_EXAMPLE, EXAMPLE, PARAM } from '../examples.js';
import { readCursor, readPage } from '../page.js';

const Key = z.tuple([z.string().max(200)]);

const BAN_EXAMPLE = { reason: 'spam', since: EXAMPLE.at, until: null };

const USER_EXAMPLE = {
  ok: true,
  user: EXAMPLE.user,
  pending: 2,
  connections: [CONNECTION_EXAMPLE],
  devices: [{ deviceId: EXAMPLE.device, createdAt: EXAMPLE.at, lastSeenAt: EXAMPLE.at }],
  ban: null,
  sessions: [],
  cursors: [
    {
      deviceId: EXAMPLE.device,
      channel: EXAMPLE.group,
      deliveredSeq: 7,
      readSeq: 5,
      lastSeq: 9,
      pending: 2,
      failedAttempts: 0,
      updatedAt: EXAMPLE.at,
    },
  ],
};

@ApiTags('admin')
@Controller('admin/v1/users')
export class AdminUsersController {
  constructor(
    private readonly inventory: Inventory,
    private readonly registry: Registry,
    private readonly sessions: Sessions,
    private readonly commands: InstanceCommands,
    private readonly bans: Bans,
  ) {}

  @Get()
  @Administered({
    scope: 'read',
    summary: 'The users that have a device, by name',
    query: admin.UsersQuery,
    queryExample: { limit: 50 },
    answer: admin.UsersAnswer,
    answerExample: { ok: true, users: [{ user: EXAMPLE.user, devices: 1, lastSeenAt: EXAMPLE.at }], next: null },
    errors: ['UNKNOWN_FIELD'],
  })
  async list(
    @Query(new SchemaPipe(admin.UsersQuery)) { limit, cursor }: z.infer<typeof admin.UsersQuery>,
  ): Promise<z.infer<typeof admin.UsersAnswer>> {
    const [after = ''] = readCursor(Key, cursor) ?? [];
    const keyOf = ({ user_id }: UserRow): [string] => [user_id];
    const { rows, next } = await readPage(limit, keyOf, (count) => this.inventory.users(after, count));
    const users = rows.map(({ user_id, devices, last_seen_at }) => ({
      user: user_id,
      devices,
      lastSeenAt: last_seen_at.toISOString(),
    }));
    return { ok: true, users, next };
  }

  @Get(':user')
  @Administered({
    scope: 'read',
    summary: 'A user: where it is connected, its devices and sessions, how far each device has come, what is pending',
    params: { user: PARAM.user },
    answer: admin.UserAnswer,
    answerExample: USER_EXAMPLE,
    errors: [],
  })
  async show(@Param('user', new SchemaPipe(UserId)) user: string): Promise<z.infer<typeof admin.UserAnswer>> {
    const [connections, devices, sessions, rows, ban] = await Promise.all([
      this.registry.connectionsOf(user),
      this.inventory.devicesOf(user),
      this.sessions.list(user),
      this.inventory.cursorsOf(user),
      this.bans.find(user),
    ]);
    const cursors = rows.map(toCursor);
    return {
      ok: true,
      user,
      pending: Math.max(0, ...pendingByDevice(cursors)),
      connections: connections.map(toConnectionView),
      devices: devices.map(({ device_id, created_at, last_seen_at }) => ({
        deviceId: device_id,
        createdAt: created_at.toISOString(),
        lastSeenAt: last_seen_at.toISOString(),
      })),
      ban: ban ? toBanView(ban) : null,
      sessions: sessions.map(toSessionView),
      cursors,
    };
  }

  @Delete(':user/connections')
  @Administered({
    scope: 'operate',
    action: 'disconnect-user',
    summary: 'Close every connection of a user, with 4009; its clients may come back at once: to keep it out, ban it',
    params: { user: PARAM.user },
    answer: admin.DisconnectedAnswer,
    answerExample: { ok: true, ordered: 1 },
    errors: [],
  })
  async disconnect(
    @Param('user', new SchemaPipe(UserId)) user: string,
  ): Promise<z.infer<typeof admin.DisconnectedAnswer>> {
    return { ok: true, ordered: await this.commands.disconnectUser(user) };
  }

  @Put(':user/ban')
  @Administered({
    scope: 'operate',
    action: 'ban-user',
    summary: 'Keep a user out: its connections are closed within seconds and every token of it refused, with 2006',
    params: { user: PARAM.user },
    body: admin.Ban,
    bodyExamples: { forEver: { value: { reason: 'spam' } }, until: { value: { until: '2130-01-01T00:00:00Z' } } },
    answer: admin.BanAnswer,
    answerExample: { ok: true, user: EXAMPLE.user, ban: BAN_EXAMPLE },
    errors: ['UNKNOWN_FIELD'],
  })
  async ban(
    @Param('user', new SchemaPipe(UserId)) user: string,
    @Body(new SchemaPipe(admin.Ban)) { reason, until }: z.infer<typeof admin.Ban>,
  ): Promise<z.infer<typeof admin.BanAnswer>> {
    const end = until === undefined ? undefined : new Date(until);
    const ban = await this.bans.ban(user, { reason: reason ?? null, until: end });
    if (!ban) throw new ProtocolError('BAD_REQUEST', 'until: has passed');
    return { ok: true, user, ban: toBanView(ban) };
  }

  @Delete(':user/ban')
  @Administered({
    scope: 'operate',
    action: 'unban-user',
    summary: 'Let a banned user in again, with the tokens it has',
    params: { user: PARAM.user },
    answer: admin.UnbannedAnswer,
    answerExample: { ok: true, user: EXAMPLE.user },
    errors: ['NOT_FOUND'],
  })
  async unban(@Param('user', new SchemaPipe(UserId)) user: string): Promise<z.infer<typeof admin.UnbannedAnswer>> {
    if (!(await this.bans.lift(user))) throw new ProtocolError('NOT_FOUND', 'the user is not banned');
    return { ok: true, user };
  }
}

function toCursor(row: CursorRow): z.infer<typeof admin.Cursor> {
  return {
    deviceId: row.device_id,
    channel: row.channel,
    deliveredSeq: row.delivered_seq,
    readSeq: row.read_seq,
    lastSeq: row.last_seq,
    pending: Math.max(0, row.last_seq - row.delivered_seq),
    failedAttempts: row.failed_attempts,
    updatedAt: row.updated_at?.toISOString() ?? null,
  };
}

function pendingByDevice(cursors: readonly z.infer<typeof admin.Cursor>[]): number[] {
  const sums = new Map<string, number>();
  for (const { deviceId, pending } of cursors) sums.set(deviceId, (sums.get(deviceId) ?? 0) + pending);
  return [...sums.values()];
}

/** A ban as operators see it. */
function toBanView({ reason, banned_at, banned_until }: BanRow): z.infer<typeof admin.BanView> {
  const until = banned_until instanceof Date ? banned_until.toISOString() : null;
  return { reason, since: banned_at.toISOString(), until };
}
