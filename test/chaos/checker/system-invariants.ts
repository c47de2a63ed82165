import type { Facts } from './facts.js';
import { Offences, type Finding } from './finding.js';
import type { Percentiles, Recovery } from './latency-audit.js';
import { isAcknowledged, isUnknown } from './publish-book.js';

/** Checks I9: some seconds after a fault, the registry holds the connections that are open, and no others. */
export function registryIsTrue(facts: Facts): Finding[] {
  const ghosts = new Offences();
  const missing = new Offences();
  for (const look of facts.strikes.looks) {
    const fault = facts.strikes.kindOf(look.strike);
    for (const connection of look.ghosts) ghosts.add(`${connection} after ${fault} at ${look.at} ms`);
    for (const connection of look.missing) missing.add(`${connection} after ${fault} at ${look.at} ms`);
  }
  return [...ghosts.as('I9', 'in the registry and open nowhere'), ...missing.as('I9', 'open and not in the registry')];
}

/**
 * Checks I10: accepted = delivered + pending + expired, where the publishers know the left side and SQL the right one.
 */
export function conservation(facts: Facts): Finding[] {
  const offences = new Offences();
  const accepted = new Map<string, number>();
  for (const publish of facts.publishes.all.values()) {
    if (publish.ttlMs !== undefined) continue;
    if (isAcknowledged(publish) || facts.isStored(publish))
      accepted.set(publish.channel, (accepted.get(publish.channel) ?? 0) + 1);
  }
  for (const { device, channel, delivered, pending } of facts.snapshot.positions) {
    const expected = accepted.get(channel) ?? 0;
    if (delivered + pending === expected) continue;
    offences.add(`${channel} to ${device}: ${expected} accepted, ${delivered} delivered, ${pending} pending`);
  }
  return offences.as('I10', 'accepted is not delivered + pending + expired');
}

/** Checks I12: at the end everyone is online and has everything that is stored. */
export function drained(facts: Facts): Finding[] {
  const pending = new Offences();
  for (const { device, channel, deliveredSeq } of facts.snapshot.positions) {
    const lastSeq = facts.snapshot.channels.find((row) => row.channel === channel)?.lastSeq ?? 0;
    if (deliveredSeq < lastSeq)
      pending.add(`${device} stands at ${channel}#${deliveredSeq} of ${lastSeq}`, lastSeq - deliveredSeq);
  }
  return [...pending.as('I12', 'still pending for a device that is online'), ...undelivered(facts)];
}

/** A message that was stored without its publisher's knowledge must also reach everyone it is addressed to. */
function undelivered(facts: Facts): Finding[] {
  const offences = new Offences();
  for (const { channel, seq, n, expires } of facts.snapshot.messages) {
    const publish = facts.publishes.all.get(n);
    if (expires || !publish || isAcknowledged(publish)) continue;
    for (const device of facts.recipients.of(channel)) {
      if (!facts.devices.of(device).numbers.has(n)) offences.add(`${channel}#${seq} to ${device}`);
    }
  }
  return offences.as('I12', 'stored, with an unknown outcome, and never delivered');
}

/** Checks I11: after each kind of fault, messages flow again within its bound. */
export function boundedRecovery(recoveries: readonly Recovery[]): Finding[] {
  const offences = new Offences();
  for (const { fault, boundMs, p99 } of recoveries) if (p99 > boundMs) offences.add(`${fault}: ${p99} ms > ${boundMs}`);
  return offences.as('I11', 'recovery took longer than the fault allows (p99)');
}

/** Checks the other half of I11: during some faults every publish gets an answer in time, even if it is a refusal. */
export function promptAnswers(facts: Facts): Finding[] {
  const offences = new Offences();
  const attempts = [...facts.publishes.all.values()].flatMap(({ n, attempts: all }) =>
    all.map((one) => ({ n, ...one })),
  );
  for (const { fault, at, endedAt = Infinity, answersWithinMs = Infinity } of facts.strikes.all) {
    for (const { n, invokedAt, answeredAt = Infinity } of attempts) {
      const isDuring = invokedAt >= at && invokedAt + answersWithinMs < endedAt;
      const tookMs = Math.round(answeredAt - invokedAt);
      if (isDuring && tookMs > answersWithinMs) offences.add(`publish ${n} during ${fault}: ${tookMs} ms`);
    }
  }
  return offences.as('I11', 'publishes were not answered in time');
}

/** Below this, a p99 says more about the machine than about the servers. */
const NOISE_MS = 500;
/** With fewer messages, one slow message would decide the p99. */
const ENOUGH = 100;

/**
 * Checks I13: a fault of some clients does not slow the others down: their p99 stays below twice what it was in calm.
 */
export function isolation(calm: Percentiles, bystanders: readonly Recovery[]): Finding[] {
  const offences = new Offences();
  const boundMs = Math.max(2 * calm.p99, NOISE_MS);
  for (const { fault, p99, count } of bystanders) {
    if (count >= ENOUGH && p99 > boundMs) offences.add(`${fault}: ${p99} ms, in calm ${calm.p99} ms`);
  }
  return offences.as('I13', 'clients that were not hit waited (p99)');
}

/** The least that a run must have seen to prove anything. */
export interface Minimum {
  readonly acked: number;
  readonly faults: number;
}

/** Checks I14: a run in which nothing happened proves nothing. */
export function notVacuous(facts: Facts, minimum: Minimum): Finding[] {
  const offences = new Offences();
  const acked = facts.publishes.count(isAcknowledged);
  if (acked < minimum.acked) offences.add(`${acked} acknowledged publishes, needs ${minimum.acked}`);
  if (facts.strikes.total < minimum.faults) offences.add(`${facts.strikes.total} faults, needs ${minimum.faults}`);
  if (facts.devices.rawRepeats === 0) offences.add('not one redelivery');
  if (facts.publishes.count(isUnknown) === 0) offences.add('not one unknown outcome');
  return offences.as('I14', 'the run says too little');
}
