import { v7 as uuidv7 } from 'uuid';
import type { Database } from '#database';
import { MessageLog, Retention } from '#message-persistence';
import type { Store } from './append.js';
import { BODY, CHANNELS } from './row-per-message.js';

/** The append of the server, with a publish id for every message. */
export function groupCommit(database: Database): { store: Store } {
  const log = new MessageLog(database, { maxWaiting: 100_000, deadlineMs: 10_000, dedupeHours: 24 });
  const retention = new Retention(database, { retentionDays: 7, dedupeHours: 24 });
  let ready: Promise<unknown> | undefined;
  const store = async (place: number): Promise<void> => {
    await (ready ??= retention.makePartitions());
    const id = uuidv7();
    await log.append({
      channel: `user:${place % CHANNELS}`,
      id,
      publisher: 'user:bench',
      sender: 'bench',
      type: 'bench',
      body: BODY,
      metadata: null,
      controls: null,
      ttlMs: null,
      publishId: id,
    });
  };
  return { store };
}
