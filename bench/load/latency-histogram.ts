import { build, decodeFromCompressedBase64, encodeIntoCompressedBase64, type Histogram } from 'hdr-histogram-js';

const MICROSECONDS = 1_000;
const LONGEST_MS = 120_000;

/** Collects latencies in an HDR histogram, with three significant digits from a microsecond to two minutes. */
export class LatencyHistogram {
  private readonly histogram: Histogram;

  constructor() {
    this.histogram = build({
      lowestDiscernibleValue: 1,
      highestTrackableValue: LONGEST_MS * MICROSECONDS,
      numberOfSignificantValueDigits: 3,
      useWebAssembly: false,
    });
  }

  record(ms: number): void {
    const micros = Math.round(ms * MICROSECONDS);
    this.histogram.recordValue(Math.min(Math.max(micros, 1), LONGEST_MS * MICROSECONDS));
  }

  reset(): void {
    this.histogram.reset();
  }

  encode(): string {
    return encodeIntoCompressedBase64(this.histogram);
  }

  /**
   * Merges the latencies of several threads.
   * @returns the milliseconds below which this percentage of them lies
   */
  static percentile(encoded: readonly string[], percent: number): number {
    const all = new LatencyHistogram();
    for (const text of encoded) all.histogram.add(decodeFromCompressedBase64(text));
    return all.histogram.getValueAtPercentile(percent) / MICROSECONDS;
  }
}
