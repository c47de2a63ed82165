import { Controller, Get, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { JobHistory, type JobRunsRow } from '#cleanup';
import { RegistryQueries } from '#connection-manager';
import { SchemaPipe } from '#http';
import { Backlog, MessageStats, type TrafficRow } from '#message-persistence';
import { admin, ProtocolError } from '#protocol';
import { AuditLog } from '../audit-log.js';
import { Administered } from '../administered.js';
import { EXAMPLE, INSTANCE_EXAMPLE } from '../examples.js';
import { readCursor, readPage } from '../page.js';
import type { ChangeRow } from '../sql/audit-log.sql.js';
import { timeRange } from '../time-range.js';
import { toInstance } from './admin-instances.controller.js';

const Key = z.tuple([z.int().min(1)]);
const MOST_STEPS = 1_440;

@ApiTags('admin')
@Controller('admin/v1')
export class AdminOverviewController {
  constructor(
    private readonly registryQueries: RegistryQueries,
    private readonly messageStats: MessageStats,
    private readonly backlog: Backlog,
    private readonly history: JobHistory,
    private readonly changes: AuditLog,
  ) {}

  @Get('status')
  @Administered({
    scope: 'read',
    summary: 'How the cluster is: instances, connections, what waits, what was given up, the last run of each job',
    answer: admin.StatusAnswer,
    answerExample: {
      ok: true,
      instances: [INSTANCE_EXAMPLE],
      connections: 1,
      usersOnline: 1,
      outbox: { waiting: 0, due: 0, oldestDueMs: 0, rejected: 0 },
      deadLetters: 0,
      jobs: [{ job: EXAMPLE.job, finishedAt: EXAMPLE.at, error: null }],
    },
    errors: [],
  })
  async status(): Promise<z.infer<typeof admin.StatusAnswer>> {
    const [rows, usersOnline, waiting, runs] = await Promise.all([
      this.registryQueries.instances(),
      this.registryQueries.usersOnline(),
      this.backlog.read(),
      this.history.lastRuns(),
    ]);
    return {
      ok: true,
      instances: rows.map(toInstance),
      connections: rows.reduce((sum, { connections }) => sum + connections, 0),
      usersOnline,
      outbox: {
        waiting: waiting.outbox_waiting,
        due: waiting.outbox_due,
        oldestDueMs: Math.round(waiting.outbox_age_s * 1_000),
        rejected: waiting.outbox_rejected,
      },
      deadLetters: waiting.dead_letters,
      jobs: runs.map(({ job, finished_at, error }) => ({ job, finishedAt: finished_at.toISOString(), error })),
    };
  }

  @Get('stats')
  @Administered({
    scope: 'read',
    summary: 'What happened over time, counted in the tables that hold it: as far back as retention, 24 hours at once',
    query: admin.StatsQuery,
    queryExample: { from: '2030-01-01T08:00:00Z', to: '2030-01-01T09:00:00Z', stepS: 60 },
    answer: admin.StatsAnswer,
    answerExample: {
      ok: true,
      stepS: 60,
      steps: [
        {
          at: EXAMPLE.at,
          published: 120,
          acknowledged: 240,
          timeouts: 0,
          disconnected: 1,
          dead: 0,
          jobRuns: 1,
          jobFailures: 0,
        },
      ],
    },
    errors: ['UNKNOWN_FIELD', 'OVERLOADED'],
  })
  async stats(
    @Query(new SchemaPipe(admin.StatsQuery)) { from, to, stepS }: z.infer<typeof admin.StatsQuery>,
  ): Promise<z.infer<typeof admin.StatsAnswer>> {
    const range = timeRange(from, to);
    const steps = (range.to.getTime() - range.from.getTime()) / 1_000 / stepS;
    if (steps > MOST_STEPS) throw new ProtocolError('BAD_REQUEST', `stepS: makes more than ${MOST_STEPS} steps`);
    const [rows, runs] = await Promise.all([
      this.messageStats.count(range.from, range.to, stepS),
      this.history.count(range.from, range.to, stepS),
    ]);
    const runsAt = new Map(runs.map((row) => [row.at.getTime(), row]));
    return { ok: true, stepS, steps: rows.map((row) => toStep(row, runsAt.get(row.at.getTime()))) };
  }

  @Get('audit')
  @Administered({
    scope: 'read',
    summary: 'What was changed through this REST, by which key, newest first',
    query: admin.AuditQuery,
    queryExample: { limit: 50 },
    answer: admin.AuditAnswer,
    answerExample: {
      ok: true,
      changes: [
        {
          at: EXAMPLE.at,
          key: 'ops',
          action: 'drain-instance',
          target: EXAMPLE.instance,
          details: {},
          requestId: null,
          instanceId: EXAMPLE.instance,
          result: 'ok',
        },
      ],
      next: null,
    },
    errors: ['UNKNOWN_FIELD'],
  })
  async audit(
    @Query(new SchemaPipe(admin.AuditQuery)) { limit, cursor }: z.infer<typeof admin.AuditQuery>,
  ): Promise<z.infer<typeof admin.AuditAnswer>> {
    const [before = Number.MAX_SAFE_INTEGER] = readCursor(Key, cursor) ?? [];
    const keyOf = ({ id }: ChangeRow): [number] => [id];
    const { rows, next } = await readPage(limit, keyOf, (count) => this.changes.list(before, count));
    return { ok: true, changes: rows.map(toChange), next };
  }
}

function toStep(row: TrafficRow, jobRuns: JobRunsRow | undefined): z.infer<typeof admin.Step> {
  const { at, published, acknowledged, timeouts, disconnected, dead } = row;
  const jobs = { jobRuns: jobRuns?.runs ?? 0, jobFailures: jobRuns?.failures ?? 0 };
  return { at: at.toISOString(), published, acknowledged, timeouts, disconnected, dead, ...jobs };
}

function toChange(row: ChangeRow): z.infer<typeof admin.Change> {
  return {
    at: row.at.toISOString(),
    key: row.key_name,
    action: row.action,
    target: row.target,
    details: row.details,
    requestId: row.request_id,
    instanceId: row.instance_id,
    result: row.result,
  };
}
