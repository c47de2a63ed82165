const DAY_MS = 86_400_000;

/** A time in the future as `sendAt` takes it, which is a year ahead at most. */
export function inDays(days: number): string {
  return new Date(Date.now() + days * DAY_MS).toISOString();
}
