import { ProtocolError } from '#protocol';

const HOUR_MS = 3_600_000;
const LONGEST_MS = 24 * HOUR_MS;

export interface TimeRange {
  readonly from: Date;
  readonly to: Date;
}

/**
 * Returns the last hour unless told otherwise. The range is bounded, because all of it may be read.
 * @throws ProtocolError BAD_REQUEST
 */
export function timeRange(from: string | undefined, to: string | undefined): TimeRange {
  const end = to === undefined ? new Date() : new Date(to);
  const begin = from === undefined ? new Date(end.getTime() - HOUR_MS) : new Date(from);
  const ms = end.getTime() - begin.getTime();
  if (ms <= 0) throw new ProtocolError('BAD_REQUEST', 'from: must be before to');
  if (ms > LONGEST_MS) throw new ProtocolError('BAD_REQUEST', 'from: at most 24 hours before to');
  return { from: begin, to: end };
}
