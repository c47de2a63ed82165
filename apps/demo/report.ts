import type { Balance } from './demo-ledger.js';

export interface Report {
  readonly published: number;
  readonly expected: number;
  readonly received: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly outOfOrder: number;
  readonly foreign: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly killed: number;
  readonly reconnects: number;
  /** Counts the repeats that the clients dropped before the application saw them; repeats are no fault. */
  readonly repeats: number;
  readonly seed: number;
}

export interface RunFigures {
  readonly killed: number;
  readonly reconnects: number;
  readonly repeats: number;
  readonly seed: number;
}

export function reportOf(balance: Balance, run: RunFigures): Report {
  const { published, expected, received, lost, duplicated, outOfOrder, foreign, latenciesMs } = balance;
  const { killed, reconnects, repeats, seed } = run;
  return {
    published,
    expected,
    received,
    lost,
    duplicated,
    outOfOrder,
    foreign,
    p50Ms: percentile(latenciesMs, 0.5),
    p95Ms: percentile(latenciesMs, 0.95),
    p99Ms: percentile(latenciesMs, 0.99),
    maxMs: percentile(latenciesMs, 1),
    killed,
    reconnects,
    repeats,
    seed,
  };
}

/** Takes the percentile by nearest rank, to a tenth of a millisecond; that of an empty list is 0. */
export function percentile(sorted: readonly number[], share: number): number {
  const value = sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
  return Math.round(value * 10) / 10;
}

/** Says in words what keeps this run from being a success; the list is empty if nothing does. */
export function faultsOf(report: Report, unpublished: number): string[] {
  const faults = (['lost', 'duplicated', 'outOfOrder', 'foreign'] as const).filter((name) => report[name] > 0);
  return [
    ...faults.map((name) => `${name}: ${report[name]}`),
    ...(unpublished > 0 ? [`${unpublished} messages could not be published: never acknowledged`] : []),
    ...(report.expected === 0 ? ['nothing was expected: the log holds nothing that anybody said'] : []),
  ];
}

export function tableOf(report: Report): string {
  const ms = (value: number): string => `${value.toLocaleString('en-US')} ms`;
  const rows: [string, string][] = [
    ...COUNTS.map(([label, key]): [string, string] => [label, report[key].toLocaleString('en-US')]),
    ['latency p50', ms(report.p50Ms)],
    ['latency p95', ms(report.p95Ms)],
    ['latency p99', ms(report.p99Ms)],
    ['latency max', ms(report.maxMs)],
  ];
  const wide = Math.max(...rows.map(([, value]) => value.length));
  return rows.map(([label, value]) => `${label.padEnd(30)} ${value.padStart(wide)}`).join('\n');
}

const COUNTS: readonly (readonly [string, keyof Report])[] = [
  ['messages published', 'published'],
  ['deliveries expected', 'expected'],
  ['deliveries received', 'received'],
  ['lost', 'lost'],
  ['duplicated to the application', 'duplicated'],
  ['out of order', 'outOfOrder'],
  ['foreign', 'foreign'],
  ['repeats dropped by the clients', 'repeats'],
  ['reconnects', 'reconnects'],
  ['instances killed', 'killed'],
];
