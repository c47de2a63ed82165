import type { Counts, Histograms, Meter } from '#observability';
import type { JobReport } from './job.js';

const SECONDS = [0.01, 0.1, 0.5, 1, 5, 10, 30];

/**
 * Measures the job runs of this instance. A job runs on one instance at a time, so query the sum or the latest of all.
 */
export class JobMetrics {
  private readonly runs: Counts<string>;
  private readonly failures: Counts<string>;
  private readonly rows: Counts<string>;
  private readonly durations: Histograms<string>;
  private readonly succeededAt = new Map<string, number>();

  constructor(meter: Meter) {
    // Prometheus itself sets the label `job`.
    const label = 'job_name';
    const counts = (name: string, help: string): Counts<string> =>
      meter.counters({ name: `trunkline_job_${name}_total`, help, label });
    this.runs = counts('runs', 'Runs of cleanup jobs on this instance');
    this.failures = counts('failures', 'Runs that failed');
    this.rows = counts('rows', 'Rows or things that runs changed');
    this.durations = meter.histograms(
      { name: 'trunkline_job_duration_seconds', help: 'How long runs took', label },
      SECONDS,
    );
    meter.gauges(
      {
        name: 'trunkline_job_last_success_timestamp_seconds',
        help: 'When a run last succeeded on this instance',
        label,
      },
      () => this.succeededAt,
    );
  }

  ran(job: string, startedAtMs: number, { rows, error }: JobReport & { readonly error?: Error }): void {
    this.runs.inc(job);
    this.failures.inc(job, error ? 1 : 0);
    this.rows.inc(job, rows);
    this.durations.observe(job, (performance.now() - startedAtMs) / 1_000);
    if (!error) this.succeededAt.set(job, Date.now() / 1_000);
  }
}
