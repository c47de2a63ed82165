import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Timelines } from '#delivery';
import { SchemaPipe } from '#http';
import { MessageSearch, type SearchRow } from '#message-persistence';
import { admin, ProtocolError } from '#protocol';
import { Administered } from '../administered.js';
import { EXAMPLE, MESSAGE_EXAMPLE, MESSAGE_HEAD_EXAMPLE, PARAM } from '../examples.js';
import { readCursor, writeCursor } from '../page.js';
import { timeRange } from '../time-range.js';

const Key = z.tuple([z.string().regex(/^[0-9:.+ -]{1,40}$/), z.uuid()]);
/** These are states of the message itself; every other state is that of one recipient. */
const ENDINGS: ReadonlySet<string> = new Set(['expired', 'cancelled', 'collapsed']);

@ApiTags('admin')
@Controller('admin/v1/messages')
export class AdminMessagesController {
  constructor(
    private readonly timelines: Timelines,
    private readonly search: MessageSearch,
  ) {}

  @Get()
  @Administered({
    scope: 'read',
    summary: 'Messages by sender, recipient, time and what became of them, newest first, without their bodies',
    query: admin.MessagesQuery,
    queryExample: { recipient: EXAMPLE.user, state: 'queued', limit: 50 },
    answer: admin.MessagesAnswer,
    answerExample: { ok: true, messages: [MESSAGE_HEAD_EXAMPLE], next: null },
    errors: ['BAD_CHANNEL', 'UNKNOWN_FIELD', 'OVERLOADED'],
  })
  async list(
    @Query(new SchemaPipe(admin.MessagesQuery)) query: z.infer<typeof admin.MessagesQuery>,
  ): Promise<z.infer<typeof admin.MessagesAnswer>> {
    const { from, to, limit, cursor, sender, recipient, channel, state } = query;
    if (recipient === undefined && state !== undefined && !ENDINGS.has(state))
      throw new ProtocolError('BAD_REQUEST', `state: a message is ${state} for somebody; name the recipient`);
    const filter = { ...timeRange(from, to), sender, recipient, channel, state };
    const { messages, next } = await this.search.find(filter, readCursor(Key, cursor), limit);
    return { ok: true, messages: messages.map(toHead), next: next ? writeCursor(next) : null };
  }

  @Get(':message')
  @Administered({
    scope: 'read',
    summary: 'A message, and for each device what became of it, every attempt, and why it is where it is',
    params: { message: PARAM.message },
    query: admin.MessageQuery,
    queryExample: { user: EXAMPLE.user },
    answer: admin.MessageAnswer,
    answerExample: {
      ok: true,
      message: MESSAGE_EXAMPLE,
      forNobody: null,
      deliveries: [
        {
          user: EXAMPLE.user,
          deviceId: EXAMPLE.device,
          status: 'queued',
          isOnline: false,
          cause: 'offline',
          reason: `device phone offline since ${EXAMPLE.at}`,
          attempts: [],
        },
      ],
    },
    errors: ['NOT_FOUND', 'UNKNOWN_FIELD'],
  })
  async show(
    @Param('message', new SchemaPipe(z.uuid())) id: string,
    @Query(new SchemaPipe(admin.MessageQuery)) { user }: z.infer<typeof admin.MessageQuery>,
  ): Promise<z.infer<typeof admin.MessageAnswer>> {
    const timeline = await this.timelines.of(id, user);
    if (!timeline)
      throw new ProtocolError(
        'NOT_FOUND',
        'there is no message of this id: it was never stored, waits for its time, or was removed by retention',
      );
    return { ok: true, ...timeline };
  }
}

function toHead(row: SearchRow): z.infer<typeof admin.MessagesAnswer>['messages'][number] {
  const { channel, seq, id, sender, type, gone, created_at, expires_at } = row;
  return {
    ...{ channel, seq, id, sender, type, createdAt: created_at.toISOString() },
    ...(expires_at === null ? {} : { expiresAt: expires_at.toISOString() }),
    ...(gone === null ? {} : { ended: gone }),
  };
}
