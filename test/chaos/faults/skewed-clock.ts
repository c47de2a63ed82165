// Loaded into a server before its own code, by `node --import`. From then on the server's clock is off by
// CLOCK_SKEW_MS.
const skewMs = Number(process.env['CLOCK_SKEW_MS']);
const TrueDate = Date;

class SkewedDate extends TrueDate {
  constructor(...args: unknown[]) {
    if (args.length === 0) super(TrueDate.now() + skewMs);
    else super(...(args as [number]));
  }

  static override now(): number {
    return TrueDate.now() + skewMs;
  }
}

globalThis.Date = SkewedDate as DateConstructor;
