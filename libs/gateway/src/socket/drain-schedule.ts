export interface DrainPace {
  /** The most reconnects per second that the other instances are to see. */
  readonly perSecond: number;
  /** The time in which all clients must leave. If the pace does not allow it, they leave faster, still evenly. */
  readonly windowMs: number;
}

/** Clients leave at this part of the pace, so that no second sees more than the pace even if some are a bit late. */
const MARGIN = 0.8;

/**
 * Returns the milliseconds after which each of `count` clients is to leave: evenly spread, at most at the given pace
 * unless the window is too short for it.
 */
export function drainSchedule(count: number, { perSecond, windowMs }: DrainPace): number[] {
  const everyMs = Math.min(1_000 / (perSecond * MARGIN), windowMs / Math.max(1, count));
  return Array.from({ length: count }, (_, index) => Math.round(index * everyMs));
}
