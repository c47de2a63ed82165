import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Inject,
  Param,
  Post,
  Query,
  Req,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Delivery, Timelines, toAttempt, type Author } from '#delivery';
import {
  countErrors,
  Documented,
  FairQueueInterceptor,
  jsonOf,
  SchemaPipe,
  toProtocolError,
  type KeyedRequest,
} from '#http';
import { ifTaken, SharedLimits } from '#limits';
import { MessageLog, type MessageStatus } from '#message-persistence';
import { LOGGER, METER, requestIdOf, type Counts, type Logger, type Meter, type TraceHeaders } from '#observability';
import {
  BackendPublish,
  BackendSchedule,
  findMember,
  parse,
  ProtocolError,
  rest,
  startsOfItems,
  UserId,
  type ErrorName,
} from '#protocol';
import { ApiKeyGuard } from './api-key.guard.js';

type PublishedAnswer = z.infer<typeof rest.PublishedAnswer>;
type ItemAnswer = PublishedAnswer | z.infer<typeof rest.Failure>;

const EXAMPLES = {
  one: { value: { channel: 'user:42', type: 'invoice.paid', data: { invoice: 7 }, publishId: 'invoice-7-paid' } },
  batch: { value: { messages: [{ channel: 'group:staff', type: 'notice', data: 'Tea is ready' }] } },
};

const TOMORROW = new Date(Date.now() + 86_400_000).toISOString();

const SCHEDULE_EXAMPLES = {
  one: {
    value: { channel: 'user:42', type: 'reminder', data: { text: 'Tomorrow' }, sendAt: TOMORROW },
  },
};

const ID = { id: 'the id that the publish answered' };

const PUBLISH_ERRORS: readonly ErrorName[] = [
  'BAD_REQUEST',
  'BAD_CHANNEL',
  'UNKNOWN_FIELD',
  'BODY_TOO_LARGE',
  'BODY_TOO_DEEP',
  'BODY_TOO_WIDE',
  'BAD_TEXT',
  'BAD_NUMBER',
  'BAD_TTL',
  'BATCH_TOO_LARGE',
  'BAD_JSON',
  'PUBLISH_ID_REUSED',
  'OUTCOME_UNKNOWN',
  'OVERLOADED',
  'RATE_LIMITED',
];

const TOO_MANY_PUBLISHES = 'the API key publishes too fast';

/** Serves the REST routes about messages, for back ends. */
@ApiTags('messages')
@Controller('v1/messages')
@UseGuards(ApiKeyGuard)
export class MessagesController {
  private readonly errors: Counts<ErrorName>;

  constructor(
    private readonly delivery: Delivery,
    private readonly log: MessageLog,
    private readonly timelines: Timelines,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(METER) meter: Meter,
    private readonly sharedLimits: SharedLimits,
  ) {
    this.errors = countErrors(meter);
  }

  @Post()
  @HttpCode(200)
  @Documented({
    summary: 'Publish one message, or a batch of up to 1000 in which each item has its own result',
    body: z.union([rest.PublishOne, rest.PublishBatch]),
    bodyExamples: EXAMPLES,
    answer: z.union([rest.PublishedAnswer, rest.PublishedBatchAnswer]),
    errors: PUBLISH_ERRORS,
  })
  async publish(
    @Body() body: unknown,
    @Req() request: KeyedRequest,
  ): Promise<PublishedAnswer | z.infer<typeof rest.PublishedBatchAnswer>> {
    const json = jsonOf(request);
    if (!isBatch(body)) return this.publishOne(body, json, 0, request);
    if (Array.isArray(body.messages) && body.messages.length > rest.REST_BATCH_MAX) {
      throw new ProtocolError('BATCH_TOO_LARGE', `messages: at most ${rest.REST_BATCH_MAX} items`);
    }
    const { messages } = parse(rest.PublishBatch, body);
    const starts = startsOfItems(json, findMember(json, 0, 'messages')?.[0] ?? 0);
    const results = messages.map((item, index) => this.publishItem(item, json, starts[index] ?? 0, request));
    return { ok: true, results: await Promise.all(results) };
  }

  @Get(':id')
  @UseInterceptors(FairQueueInterceptor)
  @Documented({
    summary: 'A message, and what became of it: the devices it is for, and every attempt',
    params: ID,
    answer: rest.MessageStatusAnswer,
    errors: ['BAD_REQUEST', 'NOT_FOUND'],
  })
  async status(@Param('id', new SchemaPipe(z.uuid())) id: string): Promise<z.infer<typeof rest.MessageStatusAnswer>> {
    return toAnswer(await this.find(id));
  }

  @Post('scheduled')
  @UseInterceptors(FairQueueInterceptor)
  @HttpCode(200)
  @Documented({
    summary: 'Publish one message at a time: once, whichever instance runs then',
    body: BackendSchedule,
    bodyExamples: SCHEDULE_EXAMPLES,
    answer: rest.ScheduledAnswer,
    errors: PUBLISH_ERRORS,
  })
  async schedule(
    @Body(new SchemaPipe(BackendSchedule)) request: BackendSchedule,
    @Req() keyed: KeyedRequest,
  ): Promise<z.infer<typeof rest.ScheduledAnswer>> {
    const { publisher } = this.delivery;
    const scheduled = await ifTaken(this.takePublish(keyed), TOO_MANY_PUBLISHES, () =>
      publisher.schedule(request, jsonOf(keyed), 0, authorOf(keyed), traceOf(keyed)),
    );
    return { ok: true, ...scheduled };
  }

  @Delete(':id')
  @UseInterceptors(FairQueueInterceptor)
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
  @UseInterceptors(FairQueueInterceptor)
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

  /** @param at where the message begins in the text of the request */
  private async publishOne(item: unknown, json: string, at: number, keyed: KeyedRequest): Promise<PublishedAnswer> {
    const { publisher } = this.delivery;
    const request = parse(BackendPublish, item);
    const published = await ifTaken(this.takePublish(keyed), TOO_MANY_PUBLISHES, () =>
      publisher.publish(request, json, at, authorOf(keyed), traceOf(keyed)),
    );
    return { ok: true, ...published };
  }

  private takePublish({ keyName }: KeyedRequest): number | Promise<number> {
    return this.sharedLimits.keyPublishes.take(keyName);
  }

  private async publishItem(item: unknown, json: string, at: number, keyed: KeyedRequest): Promise<ItemAnswer> {
    try {
      return await this.publishOne(item, json, at, keyed);
    } catch (error) {
      const protocolError = toProtocolError(error);
      this.errors.inc(protocolError.errorName);
      if (protocolError.errorName === 'INTERNAL') {
        this.logger.error({ err: error, requestId: requestIdOf(keyed) }, 'item of a batch failed');
      }
      return { ok: false, error: protocolError.toWire() };
    }
  }
}

function noSuchMessage(): ProtocolError {
  return new ProtocolError(
    'NOT_FOUND',
    'there is no message of this id: it was never stored, waits for its time, or was removed by retention',
  );
}

function isBatch(body: unknown): body is { messages: unknown } {
  return typeof body === 'object' && body !== null && 'messages' in body;
}

function authorOf({ keyName }: KeyedRequest): Author {
  return { publisher: `api:${keyName}`, sender: null };
}

function traceOf(request: KeyedRequest): TraceHeaders {
  return { traceparent: request.header('traceparent'), tracestate: request.header('tracestate') };
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
