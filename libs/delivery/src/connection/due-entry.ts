import { isWithheld, type Entry, type Recipient } from '#message-persistence';

/** Returns the entry as it is due to the recipient: a message that is withheld from it is a gap. */
export function dueTo(recipient: Recipient, entry: Entry): Entry {
  if (entry.kind === 'gap') return entry;
  const { seq, stored } = entry;
  if (stored.controls === null || !isWithheld(stored.controls, recipient)) return entry;
  return { kind: 'gap', fromSeq: seq, seq, reason: 'withheld' };
}

/** Returns true for a message that only one device of the user gets, which the recipient may be. */
export function isToClaim(entry: Entry, recipient: Recipient): boolean {
  if (entry.kind !== 'message' || entry.stored.controls?.deliverTo !== 'first-device') return false;
  // If a device claimed a message that is withheld from it, no device would get that message.
  return !isWithheld(entry.stored.controls, recipient);
}
