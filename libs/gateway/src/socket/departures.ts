export interface DeparturePace {
  /** Reconnects a second that the other instances are spared from exceeding. */
  readonly perSecond: number;
  /** All must be gone by then; if the pace does not allow it, they go faster than that, still evenly. */
  readonly windowMs: number;
}

/** Clients come when they get to it: this far below the pace, a second still sees no more when some are a bit late. */
const MARGIN = 0.8;

/** After how many milliseconds each of `count` clients is to leave: evenly spread, no faster than the pace allows. */
export function departures(count: number, { perSecond, windowMs }: DeparturePace): number[] {
  const everyMs = Math.min(1_000 / (perSecond * MARGIN), windowMs / Math.max(1, count));
  return Array.from({ length: count }, (_, place) => Math.round(place * everyMs));
}
