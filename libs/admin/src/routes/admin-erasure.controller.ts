import { Controller, Delete, Param, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { z } from 'zod';
import { SchemaPipe } from '#http';
import { admin, UserId } from '#protocol';
import { Administered } from '../administered.js';
import { Eraser } from '../eraser.js';

@ApiTags('admin')
@Controller('admin/v1/users')
export class AdminErasureController {
  constructor(private readonly eraser: Eraser) {}

  @Delete(':user')
  @Administered({
    scope: 'purge',
    action: 'erase-user',
    summary:
      'Erase a user for good: end its sessions and connections, and remove all that is stored of it and for it; cut short, ask again',
    params: { user: { description: 'the user, percent-encoded', example: 'bob' } },
    query: admin.EraseQuery,
    queryExample: { sent: 'remove' },
    answer: admin.ErasedAnswer,
    answerExample: { ok: true, isDone: true, rows: 57 },
    errors: ['UNKNOWN_FIELD'],
  })
  async erase(
    @Param('user', new SchemaPipe(UserId)) user: string,
    @Query(new SchemaPipe(admin.EraseQuery)) { sent }: z.infer<typeof admin.EraseQuery>,
  ): Promise<z.infer<typeof admin.ErasedAnswer>> {
    return { ok: true, ...(await this.eraser.erase(user, sent === 'anonymize')) };
  }
}
