import { v7 as uuidv7 } from 'uuid';
import type { Database } from '#database';
import { MessageLog } from '#message-persistence';

/** A body of 200 bytes of JSON. */
export const APPEND_BODY = JSON.stringify({ text: 'x'.repeat(189) });

/** Makes a function that appends a message as the server does, with a publish id for every message. */
export function appender(database: Database): (channel: string) => Promise<unknown> {
  const log = new MessageLog(database, { maxWaiting: 100_000, deadlineMs: 10_000, dedupeHours: 24 });
  return (channel) => {
    const id = uuidv7();
    return log.append({
      channel,
      id,
      publisher: 'user:bench',
      sender: 'bench',
      type: 'bench',
      body: APPEND_BODY,
      metadata: null,
      controls: null,
      ttlMs: null,
      publishId: id,
    });
  };
}

export interface LoopOptions {
  /** The number of publishers. Each waits for one message to be stored before it stores the next. */
  readonly publishers: number;
  readonly seconds: number;
}

/** Measures how many messages a closed loop stores in a second; `turn` counts the messages of a publisher. */
export async function storedPerSecond(
  store: (publisher: number, turn: number) => Promise<unknown>,
  { publishers, seconds }: LoopOptions,
): Promise<number> {
  const startedAt = performance.now();
  const endsAt = startedAt + seconds * 1_000;
  let stored = 0;
  const publish = async (publisher: number): Promise<void> => {
    for (let turn = 0; performance.now() < endsAt; turn++) {
      await store(publisher, turn);
      stored += 1;
    }
  };
  await Promise.all(Array.from({ length: publishers }, (_, publisher) => publish(publisher)));
  return stored / ((performance.now() - startedAt) / 1_000);
}
