/** The length up to the seconds of `2026-11-20 09:08:07.123456+00`, as PostgreSQL writes a timestamptz in UTC. */
const LENGTH_TO_SECONDS = 19;
const ZERO = 48;

/** The last time is remembered, because messages that were stored together follow each other and have the same time. */
let lastText = '';
let lastMs = 0;

/**
 * Reads a timestamptz of a session in UTC. Undefined means that it is written in any other way (infinity, years past
 * 9999), or that Date.UTC would take its year for one of the 20th century. It looks only at fixed places, because every
 * message read has a time: 0.1 µs, where a general parser takes 1 µs.
 */
export function parseTimestamp(text: string): Date | undefined {
  if (text === lastText) return new Date(lastMs);
  if (text < '0100' || !text.endsWith('+00') || text.charCodeAt(4) !== 45 || text.charCodeAt(10) !== 32)
    return undefined;
  const pair = (at: number): number => (text.charCodeAt(at) - ZERO) * 10 + text.charCodeAt(at + 1) - ZERO;
  const fraction = text
    .slice(LENGTH_TO_SECONDS + 1, -3)
    .padEnd(3, '0')
    .slice(0, 3);
  const ms = Date.UTC(pair(0) * 100 + pair(2), pair(5) - 1, pair(8), pair(11), pair(14), pair(17), Number(fraction));
  if (Number.isNaN(ms)) return undefined;
  lastText = text;
  lastMs = ms;
  return new Date(ms);
}
