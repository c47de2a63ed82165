const HEADER_BYTES = 20;
const LENGTH_BYTES = 4;
const TEXT_OID = 25;
/** The most bytes that UTF-8 needs for a UTF-16 unit. */
const BYTES_PER_UNIT = 3;
const NULL_LENGTH = -1;

/**
 * Encodes a `text[]` parameter in PostgreSQL's binary format (array_send). As text, each element would be quoted and
 * escaped here and unescaped there, character by character: 1.5 µs instead of 0.8 µs for the eleven columns of a
 * message, and as much again in the backend.
 */
export function textArray(values: readonly (string | null)[]): Buffer {
  let size = HEADER_BYTES;
  let hasNull = 0;
  for (const value of values) {
    if (value === null) hasNull = 1;
    size += LENGTH_BYTES + (value?.length ?? 0) * BYTES_PER_UNIT;
  }
  const buffer = Buffer.allocUnsafe(size);
  const dimensions = values.length === 0 ? 0 : 1;
  let at = buffer.writeInt32BE(dimensions, 0);
  at = buffer.writeInt32BE(hasNull, at);
  at = buffer.writeInt32BE(TEXT_OID, at);
  if (dimensions === 0) return buffer.subarray(0, at);
  at = buffer.writeInt32BE(values.length, at);
  at = buffer.writeInt32BE(1, at);
  for (const value of values) {
    const length = value === null ? NULL_LENGTH : buffer.write(value, at + LENGTH_BYTES);
    // The length is written byte by byte, because writeInt32BE takes longer.
    buffer[at] = length >>> 24;
    buffer[at + 1] = length >>> 16;
    buffer[at + 2] = length >>> 8;
    buffer[at + 3] = length;
    at += LENGTH_BYTES + Math.max(length, 0);
  }
  return buffer.subarray(0, at);
}

/**
 * Encodes an array parameter of values that need no quotes (numbers, booleans and times) as text. In a JavaScript
 * array, `pg` would look at every character of every value.
 */
export function plainArray(values: readonly (number | boolean | string)[]): string {
  return `{${values.join()}}`;
}
