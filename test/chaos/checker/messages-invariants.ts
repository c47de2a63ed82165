import type { Facts } from './facts.js';
import { Offences, type Finding } from './finding.js';
import { isAcknowledged, isRefused, type Attempt, type Publish } from './publish-book.js';

/** This process and PostgreSQL read the same machine's clock, but not at the same moment. */
const CLOCK_SLACK_MS = 50;

/** Checks I1: what was acknowledged is stored, and reached everyone it was for. */
export function noLoss(facts: Facts): Finding[] {
  const unstored = new Offences();
  const undelivered = new Offences();
  for (const publish of facts.publishes.all.values()) {
    if (!isAcknowledged(publish)) continue;
    const { n, channel, ttlMs, okAt = 0 } = publish;
    if (!facts.isStored(publish) && ttlMs === undefined) {
      unstored.add(`publish ${n} to ${channel}, acknowledged at ${okAt} ms`);
    }
    for (const device of facts.recipients.of(channel)) {
      if (isDelivered(facts, publish, device)) continue;
      undelivered.add(`publish ${n} (${channel}#${[...publish.seqs].join()}) to ${device}`);
    }
  }
  return [
    ...unstored.as('I1', 'acknowledged and not in the database'),
    ...undelivered.as('I1', 'acknowledged and never delivered'),
  ];
}

/**
 * True also if the message was rightly not delivered: it was published before the device existed, or it expired and the
 * device was told.
 */
function isDelivered(facts: Facts, { n, channel, ttlMs, seqs }: Publish, device: string): boolean {
  const { numbers, channels } = facts.devices.of(device);
  if (numbers.has(n)) return true;
  const log = channels.get(channel);
  if (!log) return false;
  for (const seq of seqs) {
    if (seq <= log.start) return true;
    if (ttlMs !== undefined && log.isGone(seq)) return true;
  }
  return false;
}

/** Checks I2: nothing is delivered or stored that nobody published, nor with another body or in another channel. */
export function noInvention(facts: Facts): Finding[] {
  const rows = new Offences();
  for (const { n, channel, seq, hash } of facts.snapshot.messages) {
    const publish = facts.publishes.all.get(n);
    if (publish?.channel !== channel || publish.hash !== hash) rows.add(`${channel}#${seq} as publish ${n}`);
  }
  return [
    ...facts.audit.invented.as('I2', 'delivered and never published like this'),
    ...rows.as('I2', 'stored and never published like this'),
  ];
}

/** Checks I3: nobody gets what was not for them. */
export function noLeak(facts: Facts): Finding[] {
  return facts.audit.leaked.as('I3', 'delivered to somebody it was not for');
}

/** Checks I4: a refusal means that nothing was stored. */
export function refusedMeansRefused(facts: Facts): Finding[] {
  const stored = new Offences();
  for (const publish of facts.publishes.all.values()) {
    for (const { channel, seq, createdAtMs } of facts.stored.get(publish.n) ?? []) {
      const storedAt = createdAtMs - facts.recipients.world.epochMs;
      const couldStore = ({ outcome, invokedAt }: Attempt): boolean =>
        outcome !== 'refused' && invokedAt <= storedAt + CLOCK_SLACK_MS;
      if (publish.attempts.some(couldStore)) continue;
      const what = isRefused(publish) ? 'every attempt was refused' : 'only refused attempts had been made by then';
      stored.add(`publish ${publish.n} is ${channel}#${seq} since ${Math.round(storedAt)} ms: ${what}`);
    }
  }
  return stored.as('I4', 'refused and stored nevertheless');
}

/** Checks I5: one publish id is one row, one seq and one answer, and no application gets it twice. */
export function oncePerPublish(facts: Facts): Finding[] {
  const rows = new Offences();
  for (const [n, stored] of facts.stored) {
    if (stored.length > 1)
      rows.add(`publish ${n}: ${stored.map(({ channel, seq }) => `${channel}#${seq}`).join(', ')}`);
  }
  return [
    ...facts.devices.duplicates.as('I5', 'given to the application twice'),
    ...rows.as('I5', 'stored more than once'),
    ...otherAnswers(facts).as('I5', 'answered with another position than it has'),
  ];
}

function otherAnswers(facts: Facts): Offences {
  const answers = new Offences();
  for (const { n, seqs, ids } of facts.publishes.all.values()) {
    const [row] = facts.stored.get(n) ?? [];
    const isSame = seqs.size <= 1 && ids.size <= 1 && (!row || (isOnly(seqs, row.seq) && isOnly(ids, row.id)));
    if (!isSame) answers.add(`publish ${n}: answered #${[...seqs].join(', #')}, stored as #${row?.seq ?? 'nothing'}`);
  }
  return answers;
}

/** An answer that names no value contradicts none. */
function isOnly<T>(named: ReadonlySet<T>, value: T): boolean {
  return named.size === 0 || named.has(value);
}
