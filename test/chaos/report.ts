import type { Verdict } from './checker/check.js';
import type { Finding } from './checker/finding.js';

/** Formats the verdict for people: what was done, what came of it, and what was wrong. */
export function tableOf(verdict: Verdict, seed: number): string {
  const rows: [string, number | string][] = [
    ['publishes attempted', verdict.attempted],
    ['acked', verdict.acked],
    ['refused', verdict.refused],
    ['with an unknown outcome on the way', verdict.unknown],
    ['faults', verdict.faults],
    ...Object.entries(verdict.faultsByKind)
      .sort()
      .map(([fault, count]): [string, number] => [`  ${fault}`, count]),
    ['could not be done', verdict.faultsNotDone.length],
    ['lost', verdict.lost],
    ['unexpected', verdict.unexpected],
    ['duplicated after dedupe', verdict.duplicated],
    ['raw repeats', verdict.rawRepeats],
    ['out of order', verdict.outOfOrder],
    ['ghosts', verdict.ghosts],
  ];
  return [
    ...rows.map(([label, value]) => `${label.padEnd(36)} ${text(value).padStart(12)}`),
    '',
    ...recoveryLines(verdict),
    '',
    ...verdict.faultsNotDone.map((what) => `could not be done: ${what}`),
    ...verdict.findings.map(lineOf),
    ...verdict.troubles.map((trouble) => `trouble: ${trouble}`),
    `${'verdict'.padEnd(36)} ${verdict.verdict.padStart(12)}   (--seed ${seed})`,
  ].join('\n');
}

/** Makes the last line of the output with --json. */
export function jsonOf(verdict: Verdict, seed: number): string {
  const { faultsByKind } = verdict;
  const instanceKills = faultsByKind['kill'] ?? 0;
  const postgresCrashes = faultsByKind['postgres-crash'] ?? 0;
  return JSON.stringify({ ...verdict, instanceKills, postgresCrashes, seed });
}

function recoveryLines({ recoveries, bystanders, calm }: Verdict): string[] {
  const line = (label: string, cells: (number | string)[]): string =>
    `${label.padEnd(22)} ${cells.map((cell) => text(cell).padStart(9)).join(' ')}`;
  return [
    line('recovery, ms', ['messages', 'p50', 'p99', 'max', 'bound']),
    line('  (calm)', [calm.count, calm.p50, calm.p99, calm.max, '']),
    ...recoveries.map(({ fault, count, p50, p99, max, boundMs }) =>
      line(`  ${fault}`, [count, p50, p99, max, boundMs]),
    ),
    line('not hit by it, ms', ['messages', 'p50', 'p99', 'max', '']),
    ...bystanders.map(({ fault, count, p50, p99, max }) => line(`  ${fault}`, [count, p50, p99, max, ''])),
  ];
}

function lineOf({ invariant, what, count, examples }: Finding): string {
  return `${invariant} ${what}: ${text(count)}\n${examples.map((example) => `    ${example}`).join('\n')}`;
}

function text(value: number | string): string {
  return typeof value === 'number' ? value.toLocaleString('en-US') : value;
}
