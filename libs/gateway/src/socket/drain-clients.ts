import { setTimeout as delay } from 'node:timers/promises';
import type { ClientSocket } from './client-socket.js';
import { drainSchedule } from './drain-schedule.js';

/** How long after its time to leave a client may stay before its socket is closed for it. */
const GRACE_MS = 250;
const LOOK_MS = 20;
/**
 * Parts of the time for draining: clients are told to leave within the first, and all are cut off after the second. The
 * rest is for requests under way and for what has to be written.
 */
const SPREAD_SHARE = 0.7;
const END_SHARE = 0.85;

export interface DrainOptions {
  readonly timeoutMs: number;
  /** The most reconnects per second that the other instances are to see. */
  readonly reconnectsPerS: number;
}

/**
 * Tells each client when to come back (elsewhere), spread at the given pace. Until that time it is served as before;
 * then its requests under way end, its acknowledgements are written, and its socket is closed.
 * @param clients those that are connected; the gateway removes each when its socket has closed
 * @returns when all have left or the time is over
 */
export async function drainClients(
  clients: ReadonlyMap<string, ClientSocket>,
  { timeoutMs, reconnectsPerS }: DrainOptions,
): Promise<void> {
  const startedAt = performance.now();
  const leaving = [...clients.values()];
  const turns = drainSchedule(leaving.length, { perSecond: reconnectsPerS, windowMs: timeoutMs * SPREAD_SHARE });
  leaving.forEach((client, index) => {
    const afterMs = turns[index] ?? 0;
    client.transport.reconnect({ afterMs });
    client.leavesAtMs = startedAt + afterMs + GRACE_MS;
  });
  const endsAt = startedAt + timeoutMs * END_SHARE;
  while (clients.size > 0 && performance.now() < endsAt) {
    for (const client of clients.values()) client.leaveIfDue(performance.now());
    await delay(LOOK_MS);
  }
}
