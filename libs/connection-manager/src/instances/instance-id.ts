import { createHash, randomBytes } from 'node:crypto';
import { hostname } from 'node:os';

/** Injection token of the id of this instance. */
export const INSTANCE_ID = Symbol('instance id');

/** Makes an id of host, pid and a random part that fits into a NOTIFY channel's name (63 bytes with its prefix). */
export function makeInstanceId(): string {
  const host = hostname()
    .replace(/[^A-Za-z0-9_.-]/g, '-')
    .slice(0, 24);
  return `${host}-${process.pid}-${randomBytes(4).toString('hex')}`;
}

/**
 * Computes the second key of the advisory lock that proves an instance alive. It has 31 bits, because pg_locks shows it
 * unsigned.
 */
export function lockKeyOf(instanceId: string): number {
  return createHash('sha256').update(instanceId).digest().readUInt32BE(0) >>> 1;
}
