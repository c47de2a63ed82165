import type { Facts } from './facts.js';
import { Offences, type Finding } from './finding.js';
import type { Publish } from './publish-book.js';

/**
 * Checks I6: every channel has one order for everyone, in which an acknowledged publish precedes one that was tried
 * later.
 */
export function oneOrder(facts: Facts): Finding[] {
  return [
    ...facts.devices.outOfOrder.as('I6', 'delivered out of order'),
    ...precedence(facts).as('I6', 'numbered before a publish that had been acknowledged earlier'),
  ];
}

function precedence(facts: Facts): Offences {
  const offences = new Offences();
  for (const [channel, publishes] of byChannel(facts)) {
    // The publishes are looked at from the end: one with a higher seq must not have been acknowledged before this one
    // was even tried.
    let earliest: { okAt: number; seq: number } | undefined;
    for (const { seq, publish } of publishes.sort((a, b) => b.seq - a.seq)) {
      if (earliest && earliest.okAt < publish.firstInvokedAt)
        offences.add(
          `${channel}#${seq}, first tried at ${publish.firstInvokedAt} ms, when #${earliest.seq} was acknowledged`,
        );
      if (publish.okAt !== undefined && publish.okAt < (earliest?.okAt ?? Infinity))
        earliest = { okAt: publish.okAt, seq };
    }
  }
  return offences;
}

function byChannel(facts: Facts): Map<string, { seq: number; publish: Publish }[]> {
  const channels = new Map<string, { seq: number; publish: Publish }[]>();
  for (const { channel, seq, n } of facts.snapshot.messages) {
    const publish = facts.publishes.all.get(n);
    if (!publish) continue;
    const list = channels.get(channel);
    if (list) list.push({ seq, publish });
    else channels.set(channel, [{ seq, publish }]);
  }
  return channels;
}

/** Checks I7: what follows is the next seq, or an explicit gap that is true; and the log has no hole. */
export function noSilentGap(facts: Facts): Finding[] {
  return [
    ...facts.devices.silentGaps.as('I7', 'skipped without a gap'),
    ...prematureGaps(facts).as('I7', 'announced as gone before its time had passed'),
    ...falseGaps(facts).as('I7', 'announced as gone, though it is stored and does not expire'),
    ...holes(facts).as('I7', 'missing or twice in the numbering of the log'),
  ];
}

function falseGaps(facts: Facts): Offences {
  const offences = new Offences();
  const lasting = new Set<string>();
  for (const { channel, seq, expires } of facts.snapshot.messages) if (!expires) lasting.add(`${channel}#${seq}`);
  for (const { device, place, reason } of announcedAsGone(facts)) {
    if (lasting.has(place)) offences.add(`${place} as ${reason} to ${device}`);
  }
  return offences;
}

interface Gone {
  readonly device: string;
  /** `channel#seq` */
  readonly place: string;
  readonly reason: string;
  readonly at: number;
}

function* announcedAsGone(facts: Facts): Generator<Gone> {
  for (const { device, channels } of facts.devices.all.values()) {
    const gaps = [...channels].flatMap(([channel, log]) => log.gaps.map((gap) => ({ channel, ...gap })));
    for (const { channel, fromSeq, toSeq, reason, at } of gaps) {
      for (let seq = fromSeq; seq <= toSeq; seq++) yield { device, place: `${channel}#${seq}`, reason, at };
    }
  }
}

/** Two readings of the clock are not taken at the same moment. */
const EXPIRY_SLACK_MS = 1_000;

/**
 * Finds gaps that say "expired" too early. While the database's clock is ahead, what expires by that clock has expired;
 * the device may have been told of it later.
 */
function prematureGaps(facts: Facts): Offences {
  const offences = new Offences();
  const expiring = new Map<string, Publish & { readonly ttlMs: number }>();
  for (const publish of facts.publishes.all.values()) {
    const { ttlMs, channel, seqs } = publish;
    if (ttlMs !== undefined) for (const seq of seqs) expiring.set(`${channel}#${seq}`, { ...publish, ttlMs });
  }
  for (const { device, place, at } of announcedAsGone(facts)) {
    const publish = expiring.get(place);
    if (!publish) continue;
    const { firstInvokedAt, ttlMs } = publish;
    const isDue = at + EXPIRY_SLACK_MS >= firstInvokedAt + ttlMs;
    if (isDue || facts.strikes.wasClockAhead(firstInvokedAt, at)) continue;
    offences.add(`${place} to ${device} at ${at} ms, published at ${firstInvokedAt} ms for ${ttlMs} ms`);
  }
  return offences;
}

/** Finds missing seqs. Only messages that expire may have been removed. */
function holes(facts: Facts): Offences {
  const offences = new Offences();
  const expiring = new Set<string>();
  for (const { channel, ttlMs, seqs } of facts.publishes.all.values()) {
    if (ttlMs !== undefined) for (const seq of seqs) expiring.add(`${channel}#${seq}`);
  }
  const rows = new Map<string, number>();
  for (const { channel, seq } of facts.snapshot.messages) {
    const place = `${channel}#${seq}`;
    rows.set(place, (rows.get(place) ?? 0) + 1);
  }
  for (const { channel, lastSeq } of facts.snapshot.channels) {
    for (let seq = 1; seq <= lastSeq; seq++) {
      const place = `${channel}#${seq}`;
      const count = rows.get(place) ?? 0;
      if (count !== 1 && !(count === 0 && expiring.has(place))) offences.add(`${place}: ${count} rows`);
    }
  }
  return offences;
}

/** Checks I8: what the server confirmed as acknowledged is never sent to that device again. */
export function ackFinality(facts: Facts): Finding[] {
  return facts.devices.repeatedAfterAck.as('I8', 'sent again after its acknowledgement was confirmed');
}
