import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { RegistryQueries } from '#connection-manager';
import { readChannelPage, SchemaPipe } from '#http';
import { Inventory, MessageLog, type ChannelRow, type MemberRow } from '#message-persistence';
import { admin, Channel, GroupChannel, ProtocolError, rest } from '#protocol';
import { Administered } from '../administered.js';
import { EXAMPLE, MESSAGE_EXAMPLE, PARAM } from '../examples.js';
import { readCursor, readPage } from '../page.js';

const Key = z.tuple([z.string().max(200)]);
const CHANNEL_EXAMPLE = { channel: EXAMPLE.group, lastSeq: 9, lastAt: EXAMPLE.at };

@ApiTags('admin')
@Controller('admin/v1/channels')
export class AdminChannelsController {
  constructor(
    private readonly inventory: Inventory,
    private readonly registryQueries: RegistryQueries,
    private readonly log: MessageLog,
  ) {}

  @Get()
  @Administered({
    scope: 'read',
    summary: 'The channels that something was published to, by name',
    query: admin.ChannelsQuery,
    queryExample: { prefix: 'group:', limit: 50 },
    answer: admin.ChannelsAnswer,
    answerExample: { ok: true, channels: [CHANNEL_EXAMPLE], next: null },
    errors: ['UNKNOWN_FIELD'],
  })
  async list(
    @Query(new SchemaPipe(admin.ChannelsQuery)) { prefix, limit, cursor }: z.infer<typeof admin.ChannelsQuery>,
  ): Promise<z.infer<typeof admin.ChannelsAnswer>> {
    const [after = ''] = readCursor(Key, cursor) ?? [];
    const keyOf = ({ channel }: ChannelRow): [string] => [channel];
    const { rows, next } = await readPage(limit, keyOf, (count) => this.inventory.channels(prefix, after, count));
    return { ok: true, channels: rows.map(toChannel), next };
  }

  @Get(':channel')
  @Administered({
    scope: 'read',
    summary: 'A channel: how long it is, how many members, which instances read it',
    params: { channel: PARAM.channel },
    answer: admin.ChannelAnswer,
    answerExample: { ok: true, ...CHANNEL_EXAMPLE, members: 12, instances: [EXAMPLE.instance] },
    errors: ['BAD_CHANNEL', 'NOT_FOUND'],
  })
  async show(@Param('channel', new SchemaPipe(Channel)) name: string): Promise<z.infer<typeof admin.ChannelAnswer>> {
    const [row, instances] = await Promise.all([this.inventory.channel(name), this.registryQueries.readersOf(name)]);
    if (!row) throw new ProtocolError('NOT_FOUND', 'nothing was published to this channel, and it has no members');
    return { ok: true, ...toChannel(row), members: row.members, instances };
  }

  @Get(':channel/members')
  @Administered({
    scope: 'read',
    summary: 'The members of a group, by name',
    params: { channel: PARAM.channel },
    query: admin.MembersQuery,
    queryExample: { limit: 50 },
    answer: admin.MembersAnswer,
    answerExample: {
      ok: true,
      channel: EXAMPLE.group,
      members: [{ user: EXAMPLE.user, joinedSeq: 4, joinedAt: EXAMPLE.at, devices: 1 }],
      next: null,
    },
    errors: ['BAD_CHANNEL', 'UNKNOWN_FIELD'],
  })
  async members(
    @Param('channel', new SchemaPipe(GroupChannel)) channel: string,
    @Query(new SchemaPipe(admin.MembersQuery)) { limit, cursor }: z.infer<typeof admin.MembersQuery>,
  ): Promise<z.infer<typeof admin.MembersAnswer>> {
    const [after = ''] = readCursor(Key, cursor) ?? [];
    const keyOf = ({ user_id }: MemberRow): [string] => [user_id];
    const { rows, next } = await readPage(limit, keyOf, (count) => this.inventory.members(channel, after, count));
    const members = rows.map(({ user_id, joined_seq, joined_at, devices }) => ({
      user: user_id,
      joinedSeq: joined_seq,
      joinedAt: joined_at.toISOString(),
      devices,
    }));
    return { ok: true, channel, members, next };
  }

  @Get(':channel/messages')
  @Administered({
    scope: 'read',
    summary: 'A page of a channel, as GET /v1/channels/{channel}/messages gives it; nobody’s cursor moves',
    params: { channel: PARAM.channel },
    query: rest.PageQuery,
    queryExample: { after: 0, limit: 50 },
    answer: rest.PageAnswer,
    answerExample: {
      ok: true,
      channel: EXAMPLE.group,
      messages: [MESSAGE_EXAMPLE],
      lastSeq: 1,
      nextAfterSeq: null,
      nextBeforeSeq: null,
    },
    errors: ['BAD_CHANNEL', 'UNKNOWN_FIELD'],
  })
  messages(
    @Param('channel', new SchemaPipe(Channel)) channel: string,
    @Query(new SchemaPipe(rest.PageQuery)) query: z.infer<typeof rest.PageQuery>,
  ): Promise<z.infer<typeof rest.PageAnswer>> {
    return readChannelPage(this.log, channel, query);
  }
}

function toChannel({ channel, last_seq, last_at }: ChannelRow): z.infer<typeof admin.ChannelView> {
  return { channel, lastSeq: last_seq, lastAt: last_at instanceof Date ? last_at.toISOString() : null };
}
