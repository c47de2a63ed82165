import type { MetricReport, Report } from './report.js';

/** Formats the report for people. */
export function tableOf(report: Report): string {
  const { title, scenario, rounds, metrics, machine } = report;
  const { cpu, cores, memoryGiB, system, node, postgres, redis, loadAverage } = machine;
  const versions = [`Node ${node}`, ...named('PostgreSQL', postgres), ...named('Redis', redis)].join(', ');
  const lines = [
    `${scenario}: ${title}`,
    `${cores} × ${cpu}, ${memoryGiB} GiB, ${system}, ${versions}; load average before: ${loadAverage}`,
  ];
  for (const metric of metrics) lines.push('', ...metricLines(metric, rounds));
  lines.push('', ...checkLines(report));
  const elsewhere = Object.entries(report.elsewhere).map(([name, taken]) => `${name} ${taken}`);
  if (elsewhere.length > 0) lines.push(`cores that other work took meanwhile: ${elsewhere.join(', ')}`);
  return lines.join('\n');
}

export function metricLines(metric: MetricReport, rounds: number): string[] {
  const head = ['', 'median', 'min', 'max', 'ours/theirs'];
  return [
    `${metric.metric}, ${metric.unit}, ${rounds} ${rounds === 1 ? 'round' : 'rounds'}`,
    ...grid([head, ...rowsOf(metric)]),
    ...cpuLines(metric),
  ];
}

function rowsOf({ results, ratios }: MetricReport): string[][] {
  return Object.entries(results).map(([name, { median, min, max }]) => {
    const ratio = ratios[name];
    return [name, readable(median), readable(min), readable(max), ratio === undefined ? '' : `${ratio} ×`];
  });
}

function cpuLines({ cpu }: MetricReport): string[] {
  return Object.entries(cpu).map(([name, use]) => {
    const total = Object.values(use).reduce((sum, micros) => sum + micros, 0);
    const parts = Object.entries(use).map(([process, micros]) => `${process} ${readable(micros)}`);
    return `  CPU µs per message, ${name}: ${readable(total)} = ${parts.join(' + ')}`;
  });
}

function checkLines({ checks }: Report): string[] {
  return Object.entries(checks)
    .filter(([, { expected }]) => expected > 0)
    .map(([name, { expected, lost, duplicated, disordered, refused }]) => {
      const faults = { lost, duplicated, 'out of order': disordered, refused };
      const counts = Object.entries(faults).map(([what, count]) => `${count} ${what}`);
      return `${name}: ${expected} deliveries, ${counts.join(', ')}`;
    });
}

function grid(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows.map((row) => {
    const cells = row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
    );
    return `  ${cells.join('  ')}`.trimEnd();
  });
}

function readable(value: number): string {
  return value.toLocaleString('en-US', {
    maximumFractionDigits: Math.abs(value) < 10 ? 2 : Math.abs(value) < 100 ? 1 : 0,
  });
}

function named(name: string, version: string | undefined): string[] {
  return version === undefined ? [] : [`${name} ${version}`];
}
