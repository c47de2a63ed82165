import { Controller, Get, HttpCode, Param, Post, Query, UseGuards, UseInterceptors } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Documented, FairQueueInterceptor, SchemaPipe, toDeadLetterView } from '#http';
import { DeadLetters } from '#message-persistence';
import { ProtocolError, rest } from '#protocol';
import { ApiKeyGuard } from './api-key.guard.js';

/** Serves the REST routes about messages that were given up for a device, for back ends. */
@ApiTags('dead letters')
@Controller('v1/dead-letters')
@UseGuards(ApiKeyGuard)
@UseInterceptors(FairQueueInterceptor)
export class DeadLettersController {
  constructor(private readonly deadLetters: DeadLetters) {}

  @Get()
  @Documented({
    summary: 'What was given up after MAX_TOTAL_ATTEMPTS and not requeued, oldest first',
    query: rest.DeadLettersQuery,
    answer: rest.DeadLettersAnswer,
    errors: ['BAD_REQUEST'],
  })
  async list(
    @Query(new SchemaPipe(rest.DeadLettersQuery)) { limit }: z.infer<typeof rest.DeadLettersQuery>,
  ): Promise<z.infer<typeof rest.DeadLettersAnswer>> {
    const rows = await this.deadLetters.list(limit);
    return { ok: true, deadLetters: rows.map(toDeadLetterView) };
  }

  @Post(':id/requeue')
  @HttpCode(200)
  @Documented({
    summary: 'Put a copy of a dead message into the inbox of each user it died for',
    params: { id: 'the id of the message' },
    answer: rest.RequeuedAnswer,
    errors: ['BAD_REQUEST', 'NOT_FOUND'],
  })
  async requeue(@Param('id', new SchemaPipe(z.uuid())) id: string): Promise<z.infer<typeof rest.RequeuedAnswer>> {
    const requeued = await this.deadLetters.requeue(id);
    if (requeued === 0) throw new ProtocolError('NOT_FOUND', 'no dead message has this id');
    return { ok: true, requeued };
  }
}
