import { Body, Controller, HttpCode, Inject, Post, Req, UseGuards, UseInterceptors } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Delivery } from '#delivery';
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
import { LOGGER, METER, requestIdOf, type Counts, type Logger, type Meter, type TraceHeaders } from '#observability';
import {
  BackendPublish,
  BackendSchedule,
  findMember,
  parse,
  ProtocolError,
  rest,
  startsOfItems,
  type ErrorName,
} from '#protocol';
import { ApiKeyGuard } from './api-key.guard.js';
import { authorOf } from './author-of.js';

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

/** Serves the REST routes by which back ends publish messages, at once or at a time. */
@ApiTags('messages')
@Controller('v1/messages')
@UseGuards(ApiKeyGuard)
export class PublishController {
  private readonly errors: Counts<ErrorName>;

  constructor(
    private readonly delivery: Delivery,
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

function isBatch(body: unknown): body is { messages: unknown } {
  return typeof body === 'object' && body !== null && 'messages' in body;
}

function traceOf(request: KeyedRequest): TraceHeaders {
  return { traceparent: request.header('traceparent'), tracestate: request.header('tracestate') };
}
