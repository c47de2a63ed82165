import { Controller, Delete, Get, Param, Query, Req, UseGuards, UseInterceptors } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Delivery, Timelines, toAttempt } from '#delivery';
import { Documented, FairQueueInterceptor, SchemaPipe, type KeyedRequest } from '#http';
import { MessageLog, type MessageStatus } from '#message-persistence';
import { ProtocolError, rest, UserId } from '#protocol';
import { ApiKeyGuard } from './api-key.guard.js';
import { authorOf } from './author-of.js';

const ID = { id: 'the id that the publish answered' };

/** Serves the REST routes about messages that were published, for back ends. */
@ApiTags('messages')
@Controller('v1/messages')
@UseGuards(ApiKeyGuard)
@UseInterceptors(FairQueueInterceptor)
export class MessagesController {
  constructor(
    private readonly delivery: Delivery,
    private readonly log: MessageLog,
    private readonly timelines: Timelines,
  ) {}

  @Get(':id')
  @Documented({
    summary: 'A message, and what became of it: the devices it is for, and every attempt',
    params: ID,
    answer: rest.MessageStatusAnswer,
    errors: ['BAD_REQUEST', 'NOT_FOUND'],
  })
  async status(@Param('id', new SchemaPipe(z.uuid())) id: string): Promise<z.infer<typeof rest.MessageStatusAnswer>> {
    return toAnswer(await this.find(id));
  }

  @Delete(':id')
  @Documented({
    summary:
      'Take a message back: a scheduled one of this key, or a stored one from the devices that have not got it yet',
    params: ID,
    answer: rest.CancelledAnswer,
    errors: ['BAD_REQUEST', 'NOT_FOUND', 'FORBIDDEN'],
  })
  async cancel(
    @Param('id', new SchemaPipe(z.uuid())) id: string,
    @Req() keyed: KeyedRequest,
  ): Promise<z.infer<typeof rest.CancelledAnswer>> {
    return { ok: true, ...(await this.delivery.publisher.cancel(id, authorOf(keyed))) };
  }

  @Get(':id/timeline')
  @Documented({
    summary: 'For each device what became of a message, every attempt, and the reason in words',
    params: ID,
    query: z.object({ user: UserId.optional().describe('only this user, also if the message is not for it') }),
    answer: rest.TimelineAnswer,
    errors: ['BAD_REQUEST', 'NOT_FOUND'],
  })
  async timeline(
    @Param('id', new SchemaPipe(z.uuid())) id: string,
    @Query('user', new SchemaPipe(UserId.optional())) user?: string,
  ): Promise<z.infer<typeof rest.TimelineAnswer>> {
    const timeline = await this.timelines.of(id, user);
    if (!timeline) throw noSuchMessage();
    return { ok: true, ...timeline };
  }

  private async find(id: string): Promise<MessageStatus> {
    const status = await this.log.status(id);
    if (!status) throw noSuchMessage();
    return status;
  }
}

function noSuchMessage(): ProtocolError {
  return new ProtocolError(
    'NOT_FOUND',
    'there is no message of this id: it was never stored, waits for its time, or was removed by retention',
  );
}

function toAnswer({
  message,
  isExpired,
  recipients,
  attempts,
}: MessageStatus): z.infer<typeof rest.MessageStatusAnswer> {
  return {
    ok: true,
    message,
    isExpired,
    recipients: recipients.map(({ user_id, device_id, status }) => ({ user: user_id, deviceId: device_id, status })),
    attempts: attempts.map(toAttempt),
  };
}
