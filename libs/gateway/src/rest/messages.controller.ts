import { Body, Controller, Get, HttpCode, Inject, Param, Post, Req, UseGuards } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Delivery, type Author } from '#delivery';
import { MessageLog, type MessageStatus } from '#message-persistence';
import { LOGGER, type Logger } from '#observability';
import { Fault, parse, Publish, rest } from '#protocol';
import { toFault } from '../to-fault.js';
import { ApiKeyGuard, type KeyedRequest } from './api-key.guard.js';
import { Documented } from './document.js';
import { SchemaPipe } from './schema.pipe.js';

type PublishedAnswer = z.infer<typeof rest.PublishedAnswer>;
type ItemAnswer = PublishedAnswer | z.infer<typeof rest.Failure>;

const EXAMPLES = {
  one: { value: { channel: 'user:42', type: 'invoice.paid', data: { invoice: 7 }, publishId: 'invoice-7-paid' } },
  batch: { value: { messages: [{ channel: 'group:staff', type: 'notice', data: 'Tea is ready' }] } },
};

/** Messages, for back ends. */
@ApiTags('messages')
@Controller('v1/messages')
@UseGuards(ApiKeyGuard)
export class MessagesController {
  constructor(
    @Inject(Delivery) private readonly delivery: Delivery,
    @Inject(MessageLog) private readonly log: MessageLog,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  @Post()
  @HttpCode(200)
  @Documented({
    summary: 'Publish one message, or a batch of up to 1000 in which each item has its own result',
    body: z.union([rest.PublishOne, rest.PublishBatch]),
    bodyExamples: EXAMPLES,
    answer: z.union([rest.PublishedAnswer, rest.PublishedBatchAnswer]),
    faults: [
      'BAD_REQUEST',
      'BAD_CHANNEL',
      'UNKNOWN_FIELD',
      'BODY_TOO_LARGE',
      'BODY_TOO_DEEP',
      'BODY_TOO_WIDE',
      'BAD_TEXT',
      'BAD_TTL',
      'BATCH_TOO_LARGE',
      'BAD_JSON',
      'PUBLISH_ID_REUSED',
      'OUTCOME_UNKNOWN',
      'OVERLOADED',
    ],
  })
  async publish(
    @Body() body: unknown,
    @Req() request: KeyedRequest,
  ): Promise<PublishedAnswer | z.infer<typeof rest.PublishedBatchAnswer>> {
    const author: Author = { publisher: `api:${request.apiKeyName}`, sender: null };
    if (!isBatch(body)) return this.publishOne(body, author);
    if (Array.isArray(body.messages) && body.messages.length > rest.REST_BATCH_MAX) {
      throw new Fault('BATCH_TOO_LARGE', `messages: at most ${rest.REST_BATCH_MAX} items`);
    }
    const { messages } = parse(rest.PublishBatch, body);
    return { ok: true, results: await Promise.all(messages.map((item) => this.publishItem(item, author))) };
  }

  @Get(':id')
  @Documented({
    summary: 'A message, and what became of it: the devices it is for, and every attempt',
    params: { id: 'the id that the publish answered' },
    answer: rest.MessageStatusAnswer,
    faults: ['BAD_REQUEST', 'NOT_FOUND'],
  })
  async status(@Param('id', new SchemaPipe(z.uuid())) id: string): Promise<z.infer<typeof rest.MessageStatusAnswer>> {
    const status = await this.log.status(id);
    if (!status) throw new Fault('NOT_FOUND', 'there is no message of this id, or it was removed by retention');
    return toAnswer(status);
  }

  private async publishOne(body: unknown, author: Author): Promise<PublishedAnswer> {
    return { ok: true, ...(await this.delivery.publisher.publish(parse(Publish, body), author)) };
  }

  private async publishItem(item: unknown, author: Author): Promise<ItemAnswer> {
    try {
      return await this.publishOne(item, author);
    } catch (error) {
      const fault = toFault(error);
      if (fault.fault === 'INTERNAL') this.logger.error({ err: error }, 'item of a batch failed');
      return { ok: false, error: fault.toWire() };
    }
  }
}

function isBatch(body: unknown): body is { messages: unknown } {
  return typeof body === 'object' && body !== null && 'messages' in body;
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
    recipients: recipients.map(({ user_id, device_id, is_delivered }) => ({
      user: user_id,
      deviceId: device_id,
      status: is_delivered ? 'delivered' : isExpired ? 'expired' : 'pending',
    })),
    attempts: attempts.map((row) => ({
      user: row.user_id,
      deviceId: row.device_id,
      connectionId: row.connection_id,
      instanceId: row.instance_id,
      attempt: row.attempt,
      sentAt: row.sent_at.toISOString(),
      settledAt: row.settled_at.toISOString(),
      outcome: row.outcome,
      error: row.error,
    })),
  };
}
