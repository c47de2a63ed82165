import { Controller, Get, Param, Query, UseGuards, UseInterceptors } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { z } from 'zod';
import { Presence } from '#connection-manager';
import { Documented, FairQueueInterceptor, readChannelPage, SchemaPipe } from '#http';
import { MessageLog } from '#message-persistence';
import { Channel, PresenceChannel, rest } from '#protocol';
import { ApiKeyGuard } from './api-key.guard.js';

/** Serves the REST routes about channels, for back ends. */
@ApiTags('channels')
@Controller('v1/channels')
@UseGuards(ApiKeyGuard)
@UseInterceptors(FairQueueInterceptor)
export class ChannelsController {
  constructor(
    private readonly log: MessageLog,
    private readonly presence: Presence,
  ) {}

  @Get(':channel/messages')
  @Documented({
    summary:
      'A page of a channel, bounded by seq or time, in either order; what has ended is left out unless asked for',
    params: { channel: 'percent-encoded, e.g. group%3Astaff' },
    query: rest.PageQuery,
    answer: rest.PageAnswer,
    errors: ['BAD_REQUEST', 'BAD_CHANNEL'],
  })
  messages(
    @Param('channel', new SchemaPipe(Channel)) channel: string,
    @Query(new SchemaPipe(rest.PageQuery)) query: z.infer<typeof rest.PageQuery>,
  ): Promise<z.infer<typeof rest.PageAnswer>> {
    return readChannelPage(this.log, channel, query);
  }

  @Get(':channel/presence')
  @Documented({
    summary: 'Who of a group is online, on any instance, and when each was last seen',
    params: { channel: 'group:<name>, percent-encoded' },
    answer: rest.PresenceAnswer,
    errors: ['BAD_REQUEST', 'BAD_CHANNEL'],
  })
  async presenceOf(
    @Param('channel', new SchemaPipe(PresenceChannel)) channel: string,
  ): Promise<z.infer<typeof rest.PresenceAnswer>> {
    return { ok: true, ...(await this.presence.of(channel)) };
  }
}
