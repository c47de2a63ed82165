import type { CpuUse } from './cpu/cpu-meter.js';
import type { Checks } from './load/plan.js';
import type { Machine } from './machine.js';
import type { Measurements } from './rounds.js';
import type { Measurement, Metric, Scenario } from './scenarios/scenario.js';
import { median, round, summarize, type Summary } from './statistics.js';

export interface MetricReport {
  readonly metric: string;
  readonly unit: string;
  readonly results: Readonly<Record<string, Summary>>;
  /** The median of the first contestant divided by that of each other one. */
  readonly ratios: Readonly<Record<string, number>>;
  /** Medians of the microseconds of CPU time for each message, by contestant and kind of process. */
  readonly cpu: Readonly<Record<string, CpuUse>>;
}

/** The report of a scenario. Its first metric is the headline, and its figures stand on the top level as well. */
export interface Report {
  readonly scenario: string;
  readonly unit: string;
  readonly rounds: number;
  readonly results: MetricReport['results'];
  readonly ratios: MetricReport['ratios'];
  /** Counts the messages of Trunkline that did not arrive, over all rounds. */
  readonly lost: number;
  readonly title: string;
  readonly metrics: readonly MetricReport[];
  /** Sums over all rounds, by contestant. */
  readonly checks: Readonly<Record<string, Omit<Checks, 'reason'>>>;
  /**
   * Medians of the cores that other programs used while a contestant was measured. Beyond a tenth, do not trust the
   * rest.
   */
  readonly elsewhere: Readonly<Record<string, number>>;
  readonly machine: Machine;
}

export function makeReport(scenario: Scenario, measurements: Measurements, rounds: number, machine: Machine): Report {
  const metrics = scenario.metrics
    .map((metric) => reportMetric(metric, measurements))
    .filter(({ results }) => Object.keys(results).length > 0);
  const [headline] = metrics;
  const checks = checksOf(measurements);
  const [ours = ''] = measurements.keys();
  return {
    scenario: scenario.letter,
    unit: headline?.unit ?? '',
    rounds,
    results: headline?.results ?? {},
    ratios: headline?.ratios ?? {},
    lost: checks[ours]?.lost ?? 0,
    title: scenario.title,
    metrics,
    checks,
    elsewhere: elsewhereOf(measurements),
    machine,
  };
}

export function reportMetric({ name, unit }: Metric, measurements: Measurements): MetricReport {
  const results: Record<string, Summary> = {};
  const ratios: Record<string, number> = {};
  const cpu: Record<string, CpuUse> = {};
  const [ours = ''] = measurements.keys();
  for (const [contestant, all] of measurements) {
    const figures = all.flatMap(({ figures }) => figures[name] ?? []);
    if (figures.length === 0) continue;
    const { median, min, max } = summarize(figures);
    results[contestant] = { median: round(median, 4), min: round(min, 4), max: round(max, 4) };
    if (contestant !== ours) ratios[contestant] = round((results[ours]?.median ?? NaN) / median);
    const use = medianCpu(name, all);
    if (use) cpu[contestant] = use;
  }
  return { metric: name, unit, results, ratios, cpu };
}

function medianCpu(metric: string, measurements: readonly Measurement[]): CpuUse | undefined {
  const uses = measurements.flatMap(({ cpu }) => (cpu?.[metric] === undefined ? [] : [cpu[metric]]));
  const [first] = uses;
  if (!first) return undefined;
  const names = Object.keys(first);
  return Object.fromEntries(names.map((name) => [name, round(median(uses.map((use) => use[name] ?? 0)))]));
}

function checksOf(measurements: Measurements): Report['checks'] {
  const sums: Record<string, Omit<Checks, 'reason'>> = {};
  for (const [contestant, all] of measurements) {
    const sum = { expected: 0, lost: 0, duplicated: 0, disordered: 0, refused: 0 };
    for (const { checks } of all) {
      for (const key of Object.keys(sum) as (keyof typeof sum)[]) sum[key] += checks?.[key] ?? 0;
    }
    sums[contestant] = sum;
  }
  return sums;
}

function elsewhereOf(measurements: Measurements): Report['elsewhere'] {
  const cores: Record<string, number> = {};
  for (const [contestant, all] of measurements) {
    const measured = all.flatMap(({ elsewhere = [] }) => elsewhere);
    if (measured.length > 0) cores[contestant] = round(median(measured), 2);
  }
  return cores;
}
