import { Body, Controller, Get, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { JobHistory, JobRunner, Jobs, type JobRunRow } from '#cleanup';
import { SchemaPipe } from '#http';
import { admin, ProtocolError } from '#protocol';
import { Administered } from '../administered.js';
import { EXAMPLE, PARAM } from '../examples.js';
import { readCursor, readPage } from '../page.js';

const Key = z.tuple([z.int().min(1)]);

@ApiTags('admin')
@Controller('admin/v1/jobs')
export class AdminJobsController {
  constructor(
    private readonly jobs: Jobs,
    private readonly runner: JobRunner,
    private readonly history: JobHistory,
  ) {}

  @Get()
  @Administered({
    scope: 'read',
    summary: 'The cleanup jobs, when they run, and how the last run of each ended',
    answer: admin.JobsAnswer,
    answerExample: {
      ok: true,
      jobs: [
        {
          job: EXAMPLE.job,
          does: 'removes the bodies of messages that have ended',
          cron: '0 * * * * *',
          lastRun: { finishedAt: EXAMPLE.at, error: null },
        },
      ],
    },
    errors: [],
  })
  async list(): Promise<z.infer<typeof admin.JobsAnswer>> {
    const runs = new Map((await this.history.lastRuns()).map((run) => [run.job, run]));
    const jobs = this.jobs.list.map(({ name, does, cron }) => {
      const run = runs.get(name);
      const lastRun = run ? { finishedAt: run.finished_at.toISOString(), error: run.error } : null;
      return { job: name, does, cron, lastRun };
    });
    return { ok: true, jobs };
  }

  @Get(':job/runs')
  @Administered({
    scope: 'read',
    summary: 'The runs of a job, newest first',
    params: { job: PARAM.job },
    query: admin.RunsQuery,
    queryExample: { limit: 50 },
    answer: admin.RunsAnswer,
    answerExample: {
      ok: true,
      job: EXAMPLE.job,
      runs: [{ instanceId: EXAMPLE.instance, startedAt: EXAMPLE.at, finishedAt: EXAMPLE.later, rows: 12, error: null }],
      next: null,
    },
    errors: ['NOT_FOUND', 'UNKNOWN_FIELD'],
  })
  async runs(
    @Param('job', new SchemaPipe(admin.JobName)) job: string,
    @Query(new SchemaPipe(admin.RunsQuery)) { limit, cursor }: z.infer<typeof admin.RunsQuery>,
  ): Promise<z.infer<typeof admin.RunsAnswer>> {
    if (!this.jobs.find(job)) throw noSuchJob();
    const [before = Number.MAX_SAFE_INTEGER] = readCursor(Key, cursor) ?? [];
    const keyOf = ({ run_id }: JobRunRow): [number] => [run_id];
    const { rows, next } = await readPage(limit, keyOf, (count) => this.history.runs(job, before, count));
    const runs = rows.map(({ instance_id, started_at, finished_at, rows: changed, error }) => ({
      instanceId: instance_id,
      startedAt: started_at.toISOString(),
      finishedAt: finished_at.toISOString(),
      rows: changed,
      error,
    }));
    return { ok: true, job, runs, next };
  }

  @Post(':job/run')
  @Administered({
    scope: 'operate',
    action: 'run-job',
    summary: 'Run a job now, on the instance that answers, under the lock that all use',
    params: { job: PARAM.job },
    body: admin.RunJob,
    bodyExamples: { dry: { value: { dryRun: true } }, real: { value: {} } },
    answer: admin.RunJobAnswer,
    answerExample: { ok: true, job: EXAMPLE.job, ran: true, rows: 12, notes: ['12 messages'], error: null },
    errors: ['NOT_FOUND', 'UNKNOWN_FIELD', 'BAD_JSON'],
  })
  async run(
    @Param('job', new SchemaPipe(admin.JobName)) job: string,
    @Body(new SchemaPipe(admin.RunJob.prefault({}))) { dryRun }: z.infer<typeof admin.RunJob>,
  ): Promise<z.infer<typeof admin.RunJobAnswer>> {
    const found = this.jobs.find(job);
    if (!found) throw noSuchJob();
    const { isMine, rows, notes = [], error } = await this.runner.run(found, { isDryRun: dryRun });
    return { ok: true, job, ran: isMine, rows, notes: [...notes], error: error?.message.slice(0, 500) ?? null };
  }
}

function noSuchJob(): ProtocolError {
  return new ProtocolError('NOT_FOUND', 'there is no such job');
}
