import { Controller, Delete, Get, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { SchemaPipe, toDeadLetterView } from '#http';
import { DeadLetters, placeOf } from '#message-persistence';
import { admin, ProtocolError, rest } from '#protocol';
import { Administered } from '../administered.js';
import { EXAMPLE, PARAM } from '../examples.js';
import { readCursor, readPage } from '../page.js';

const Key = z.tuple([z.string().max(50), z.uuid(), z.string().max(200), z.string().max(200)]);

@ApiTags('admin')
@Controller('admin/v1/dead-letters')
export class AdminDeadLettersController {
  constructor(private readonly deadLetters: DeadLetters) {}

  @Get()
  @Administered({
    scope: 'read',
    summary: 'What was given up after MAX_TOTAL_ATTEMPTS and not requeued, oldest first',
    query: admin.DeadLettersQuery,
    queryExample: { user: EXAMPLE.user, limit: 50 },
    answer: admin.DeadLettersAnswer,
    answerExample: {
      ok: true,
      deadLetters: [
        {
          messageId: EXAMPLE.dead,
          channel: EXAMPLE.group,
          seq: 2,
          user: EXAMPLE.user,
          deviceId: EXAMPLE.device,
          attempts: 10,
          error: 'no acknowledgement within 10000 ms, attempt 5 of 5',
          diedAt: EXAMPLE.at,
        },
      ],
      next: null,
    },
    errors: ['UNKNOWN_FIELD'],
  })
  async list(
    @Query(new SchemaPipe(admin.DeadLettersQuery)) { user, limit, cursor }: z.infer<typeof admin.DeadLettersQuery>,
  ): Promise<z.infer<typeof admin.DeadLettersAnswer>> {
    const after = readCursor(Key, cursor);
    const { rows, next } = await readPage(limit, placeOf, (count) => this.deadLetters.page(user, after, count));
    return { ok: true, deadLetters: rows.map(toDeadLetterView), next };
  }

  @Post(':message/requeue')
  @Administered({
    scope: 'operate',
    action: 'requeue-dead-letter',
    summary: 'Put a copy of a dead message into the inbox of each user it died for',
    params: { message: PARAM.dead },
    answer: rest.RequeuedAnswer,
    answerExample: { ok: true, requeued: 1 },
    errors: ['NOT_FOUND'],
  })
  async requeue(@Param('message', new SchemaPipe(z.uuid())) id: string): Promise<z.infer<typeof rest.RequeuedAnswer>> {
    const requeued = await this.deadLetters.requeue(id);
    if (requeued === 0)
      throw new ProtocolError('NOT_FOUND', 'no dead message has this id, or retention has removed it');
    return { ok: true, requeued };
  }

  @Delete(':message')
  @Administered({
    scope: 'purge',
    action: 'purge-dead-letter',
    summary: 'Take a dead message off the list for good, requeued or not',
    params: { message: PARAM.dead },
    answer: admin.PurgedAnswer,
    answerExample: { ok: true, purged: 1 },
    errors: ['NOT_FOUND'],
  })
  async purge(@Param('message', new SchemaPipe(z.uuid())) id: string): Promise<z.infer<typeof admin.PurgedAnswer>> {
    const purged = await this.deadLetters.purge(id);
    if (purged === 0) throw new ProtocolError('NOT_FOUND', 'no dead message has this id');
    return { ok: true, purged };
  }

  @Delete()
  @Administered({
    scope: 'purge',
    action: 'purge-dead-letters',
    summary: 'Take what died before a time off the list for good, at most 1000 at once',
    query: admin.PurgeQuery,
    queryExample: { before: '2025-01-01T00:00:00Z' },
    answer: admin.PurgedAnswer,
    answerExample: { ok: true, purged: 1000 },
    errors: ['UNKNOWN_FIELD'],
  })
  async purgeBefore(
    @Query(new SchemaPipe(admin.PurgeQuery)) { before }: z.infer<typeof admin.PurgeQuery>,
  ): Promise<z.infer<typeof admin.PurgedAnswer>> {
    return { ok: true, purged: await this.deadLetters.purgeBefore(before) };
  }
}
