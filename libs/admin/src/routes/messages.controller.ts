import { Controller, Get, Inject, Param, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Timelines } from '#delivery';
import { SchemaPipe } from '#http';
import { admin, Fault } from '#protocol';
import { Administered } from '../administered.js';
import { EXAMPLE, MESSAGE_EXAMPLE, PARAM } from '../examples.js';

@ApiTags('admin')
@Controller('admin/v1/messages')
export class MessagesController {
  constructor(@Inject(Timelines) private readonly timelines: Timelines) {}

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
    faults: ['NOT_FOUND', 'UNKNOWN_FIELD'],
  })
  async show(
    @Param('message', new SchemaPipe(z.uuid())) id: string,
    @Query(new SchemaPipe(admin.MessageQuery)) { user }: z.infer<typeof admin.MessageQuery>,
  ): Promise<z.infer<typeof admin.MessageAnswer>> {
    const timeline = await this.timelines.of(id, user);
    if (!timeline) throw new Fault('NOT_FOUND', 'there is no message of this id, or it was removed by retention');
    return { ok: true, ...timeline };
  }
}
