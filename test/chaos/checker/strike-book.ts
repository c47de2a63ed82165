import type { HistoryEvent } from '../history/event.js';

/** The time after its end for which the effects of a fault may show. */
export const AFTERMATH_MS = 5_000;
/** A message that is published this shortly before a fault begins may be hit by it. */
const LEAD_MS = 1_000;

export type Strike = HistoryEvent & { event: 'fault-begin' } & { endedAt: number | undefined };

/** Records which faults there were, and when. */
export class StrikeBook {
  readonly all: Strike[] = [];
  /** The faults that could not be done. Each may have been done at another try. */
  readonly notDone: (HistoryEvent & { event: 'fault-not-done' })[] = [];
  readonly looks: (HistoryEvent & { event: 'registry' })[] = [];

  take(event: HistoryEvent): void {
    if (event.event === 'fault-begin') this.all.push({ ...event, endedAt: undefined });
    if (event.event === 'fault-end') this.end(event);
    if (event.event === 'fault-not-done') this.notDone.push(event);
    if (event.event === 'registry') this.looks.push(event);
  }

  /** Counts the faults of each kind that were done; two instances killed at once count as two. */
  get byKind(): Record<string, number> {
    const counts: Record<string, number> = {};
    const undone = new Set(this.notDone.map(({ strike }) => strike));
    for (const { fault, count, strike } of this.all)
      if (!undone.has(strike)) counts[fault] = (counts[fault] ?? 0) + count;
    return counts;
  }

  get total(): number {
    return Object.values(this.byKind).reduce((sum, count) => sum + count, 0);
  }

  /**
   * Finds the one fault that explains a delay between two times: the latest fault that had begun when the delay did.
   */
  blamedFor(invokedAt: number, deliveredAt: number): Strike | undefined {
    let first: Strike | undefined;
    let latest: Strike | undefined;
    let background: Strike | undefined;
    for (const strike of this.all) {
      const { at, endedAt = Infinity, isBackground = false } = strike;
      if (at > deliveredAt || invokedAt > endedAt + AFTERMATH_MS) continue;
      if (isBackground) background ??= strike;
      else {
        first ??= strike;
        if (at <= invokedAt + LEAD_MS) latest = strike;
      }
    }
    return latest ?? first ?? background;
  }

  /** True if the database's clock was ahead at some moment between the two times. */
  wasClockAhead(from: number, to: number): boolean {
    return this.all.some(({ movesClock, at, endedAt = Infinity }) => movesClock && at <= to && endedAt >= from);
  }

  kindOf(strike: number): string {
    return this.all.find((known) => known.strike === strike)?.fault ?? `fault ${strike}`;
  }

  private end({ at, strike }: HistoryEvent & { event: 'fault-end' }): void {
    const begun = this.all.find((known) => known.strike === strike);
    if (begun) begun.endedAt = at;
  }
}
