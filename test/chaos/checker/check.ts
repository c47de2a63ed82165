import type { HistoryEvent } from '../history/event.js';
import { Facts } from './facts.js';
import type { Finding, Invariant } from './finding.js';
import type { Percentiles, Recovery } from './latency-audit.js';
import { noInvention, noLeak, noLoss, oncePerPublish, refusedMeansRefused } from './messages-invariants.js';
import { ackFinality, noSilentGap, oneOrder } from './order-invariants.js';
import { isAcknowledged, isRefused, isUnknown } from './publish-book.js';
import type { Snapshot } from './snapshot.js';
import {
  boundedRecovery,
  conservation,
  drained,
  isolation,
  notVacuous,
  promptAnswers,
  registryIsTrue,
  type Minimum,
} from './system-invariants.js';

export interface Verdict {
  readonly verdict: 'green' | 'red';
  readonly attempted: number;
  readonly acked: number;
  readonly refused: number;
  readonly unknown: number;
  readonly faults: number;
  readonly faultsByKind: Readonly<Record<string, number>>;
  /** The tries of faults that failed, and why. They say nothing about the servers, and are not counted. */
  readonly faultsNotDone: readonly string[];
  readonly lost: number;
  readonly unexpected: number;
  readonly duplicated: number;
  readonly rawRepeats: number;
  readonly outOfOrder: number;
  readonly ghosts: number;
  /** The p99 of the kind of fault that took longest. */
  readonly recoveryP99Ms: number;
  readonly recoveries: readonly Recovery[];
  readonly calm: Percentiles;
  /** The latencies of those who were not hit by a fault. */
  readonly bystanders: readonly Recovery[];
  readonly findings: readonly Finding[];
  readonly troubles: readonly string[];
}

/** Checks the invariants against the whole history of a run and what the database holds at its end. */
export function check(events: Iterable<HistoryEvent>, snapshot: Snapshot, minimum: Minimum): Verdict {
  const facts = new Facts(events, snapshot);
  const { calm, recoveries, bystanders } = facts.latencies.sorted(facts.strikes);
  const findings = [
    ...[noLoss, noInvention, noLeak, refusedMeansRefused, oncePerPublish].flatMap((invariant) => invariant(facts)),
    ...[oneOrder, noSilentGap, ackFinality, registryIsTrue, conservation, drained, promptAnswers].flatMap((invariant) =>
      invariant(facts),
    ),
    ...boundedRecovery(recoveries),
    ...isolation(calm, bystanders),
    ...notVacuous(facts, minimum),
  ];
  const troubles = [...facts.troubles, ...facts.publishes.refusedForGood.map((what) => `refused for good: ${what}`)];
  return {
    verdict: findings.length + troubles.length === 0 ? 'green' : 'red',
    attempted: facts.publishes.attempted,
    acked: facts.publishes.count(isAcknowledged),
    refused: facts.publishes.count(isRefused),
    unknown: facts.publishes.count(isUnknown),
    faults: facts.strikes.total,
    faultsByKind: facts.strikes.byKind,
    faultsNotDone: facts.strikes.notDone.map(({ fault, why }) => `${fault}: ${why}`),
    lost: countOf(findings, 'I1'),
    unexpected: countOf(findings, 'I2', 'I3', 'I4'),
    duplicated: countOf(findings, 'I5'),
    rawRepeats: facts.devices.rawRepeats,
    outOfOrder: countOf(findings, 'I6'),
    ghosts: countOf(findings, 'I9'),
    recoveryP99Ms: Math.max(0, ...recoveries.map(({ p99 }) => p99)),
    recoveries,
    calm,
    bystanders,
    findings,
    troubles,
  };
}

function countOf(findings: readonly Finding[], ...invariants: Invariant[]): number {
  return findings.reduce((sum, { invariant, count }) => (invariants.includes(invariant) ? sum + count : sum), 0);
}
