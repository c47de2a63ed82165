import { Controller, Delete, Param, Put, UseGuards, UseInterceptors } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { z } from 'zod';
import { Presence } from '#connection-manager';
import { Delivery } from '#delivery';
import { Documented, FairQueueInterceptor, SchemaPipe } from '#http';
import { GroupChannel, UserId, rest } from '#protocol';
import { ApiKeyGuard } from './api-key.guard.js';

const PARAMS = { channel: 'group:<name>, percent-encoded', user: 'percent-encoded' };

/** Serves the REST routes about group membership, for back ends. */
@ApiTags('groups')
@Controller('v1/channels/:channel/members')
@UseGuards(ApiKeyGuard)
export class GroupsController {
  constructor(
    private readonly delivery: Delivery,
    private readonly presence: Presence,
  ) {}

  @Put(':user')
  @Documented({
    summary: 'Make a user a member: from now on it misses nothing of the group, on any device',
    params: PARAMS,
    answer: rest.MemberAnswer,
    errors: ['BAD_REQUEST', 'BAD_CHANNEL'],
  })
  async join(
    @Param('channel', new SchemaPipe(GroupChannel)) channel: string,
    @Param('user', new SchemaPipe(UserId)) user: string,
  ): Promise<z.infer<typeof rest.MemberAnswer>> {
    const seq = await this.delivery.join(user, channel);
    this.presence.forget(channel);
    return { ok: true, channel, user, seq };
  }

  @Delete(':user')
  @UseInterceptors(FairQueueInterceptor)
  @Documented({
    summary: 'End a membership',
    params: PARAMS,
    answer: rest.MemberAnswer,
    errors: ['BAD_REQUEST', 'BAD_CHANNEL', 'NOT_FOUND'],
  })
  async leave(
    @Param('channel', new SchemaPipe(GroupChannel)) channel: string,
    @Param('user', new SchemaPipe(UserId)) user: string,
  ): Promise<z.infer<typeof rest.MemberAnswer>> {
    await this.delivery.leave(user, channel);
    this.presence.forget(channel);
    return { ok: true, channel, user };
  }
}
