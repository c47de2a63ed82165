/** Counts the most of these moments (in ms) that lie within one second, wherever that second begins. */
export function peakPerSecond(momentsMs: readonly number[]): number {
  const sorted = momentsMs.toSorted((a, b) => a - b);
  let peak = 0;
  let from = 0;
  sorted.forEach((moment, index) => {
    while ((sorted[from] ?? moment) <= moment - 1_000) from += 1;
    peak = Math.max(peak, index - from + 1);
  });
  return peak;
}
