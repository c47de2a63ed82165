import { Controller, Get, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { SchemaPipe } from '#http';
import { FIRST_SUSPECT, SuspectList, type SuspectRow } from '#limits';
import { admin } from '#protocol';
import { Administered } from '../administered.js';
import { EXAMPLE } from '../examples.js';
import { readCursor, readPage } from '../page.js';

const Key = z.tuple([z.int(), z.string().max(200), z.string().max(50)]);

@ApiTags('admin')
@Controller('admin/v1/suspects')
export class AdminSuspectsController {
  constructor(private readonly suspects: SuspectList) {}

  @Get()
  @Administered({
    scope: 'read',
    summary:
      'Addresses that did what honest clients rarely do, on any instance within a day: those seen last come first',
    query: admin.SuspectsQuery,
    queryExample: { limit: 50 },
    answer: admin.SuspectsAnswer,
    answerExample: {
      ok: true,
      suspects: [
        { address: '203.0.113.7', reason: 'wrong-key', count: 17_145, firstAt: EXAMPLE.at, lastAt: EXAMPLE.later },
      ],
      next: null,
    },
    errors: ['UNKNOWN_FIELD'],
  })
  async list(
    @Query(new SchemaPipe(admin.SuspectsQuery)) { limit, cursor }: z.infer<typeof admin.SuspectsQuery>,
  ): Promise<z.infer<typeof admin.SuspectsAnswer>> {
    const after = readCursor(Key, cursor) ?? FIRST_SUSPECT;
    const keyOf = ({ last_us, address, reason }: SuspectRow) => [last_us, address, reason] as const;
    const { rows, next } = await readPage(limit, keyOf, (count) => this.suspects.page(after, count));
    const suspects = rows.map(({ address, reason, count, first_at, last_at }) => ({
      address,
      reason,
      count,
      firstAt: first_at.toISOString(),
      lastAt: last_at.toISOString(),
    }));
    return { ok: true, suspects, next };
  }
}
