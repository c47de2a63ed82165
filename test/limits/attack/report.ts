import type { LatencySummary } from './canary/latency-samples.js';
import type { AttackRun } from './run-attack.js';

const MEGABYTE = 1_048_576;
const OUTCOMES_SHOWN = 3;

const COLUMNS = ['calm, ms', 'under it, ms', 'new, ms', 'refused', 'lost', 'MB idle', 'MB max', 'log KB/s'];
const WIDTHS = [18, 20, 8, 8, 6, 8, 8, 9];
const NAME_WIDTH = 22;

export const HEADING = line('', ['p50/p99/max', 'p50/p99/max', 'max', '', '', '', '', '']);
export const HEADING_ABOVE = line('attack', COLUMNS);

/** Formats one attack: what the canary experienced, what it cost, and what became of the attacker. */
export function rowOf({ attack, calm, underAttack, idleBytes, maxBytes, logBytes, attacker }: AttackRun): string {
  return `${line(attack, [
    times(calm.deliveries),
    times(underAttack.deliveries),
    Math.round(underAttack.entries.max),
    underAttack.refusals.length,
    underAttack.connectionsLost,
    Math.round(idleBytes / MEGABYTE),
    Math.round(maxBytes / MEGABYTE),
    Math.round(logBytes / 1_000 / Math.max(1, attacker.seconds)),
  ])}  ${outcomesOf(attacker)}`;
}

function outcomesOf({ outcomes, firstEndMs }: AttackRun['attacker']): string {
  const most = Object.entries(outcomes)
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, OUTCOMES_SHOWN)
    .map(([outcome, count]) => `${outcome} ×${count.toLocaleString('en-US')}`)
    .join(', ');
  return `${most}${firstEndMs === null ? '; never ended' : `; first ended after ${(firstEndMs / 1_000).toFixed(1)} s`}`;
}

function times({ p50, p99, max }: LatencySummary): string {
  return [p50, p99, max].map((ms) => (ms < 10 ? ms.toFixed(1) : Math.round(ms))).join('/');
}

function line(name: string, cells: readonly (string | number)[]): string {
  return name.padEnd(NAME_WIDTH) + cells.map((cell, index) => String(cell).padStart(WIDTHS[index] ?? 0)).join('');
}
