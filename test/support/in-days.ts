const DAY_MS = 86_400_000;

/** A time ahead, as `sendAt` takes it: a year at most. */
export function inDays(days: number): string {
  return new Date(Date.now() + days * DAY_MS).toISOString();
}
