import { v7 as uuidv7 } from 'uuid';
import { Database } from '#database';
import { MessageLog, type NewMessage } from '#message-persistence';

export interface OpenLog {
  readonly database: Database;
  readonly log: MessageLog;
}

/** Opens the message log as an instance does, on connections of its own. */
export function openLog(url: string, options: Partial<ConstructorParameters<typeof MessageLog>[1]> = {}): OpenLog {
  const database = new Database({ url, poolSize: 3, applicationName: 'open-log', onError: () => undefined });
  const log = new MessageLog(database, { maxWaiting: 20_000, deadlineMs: 10_000, dedupeHours: 24, ...options });
  return { database, log };
}

export function draft(channel: string, more: Partial<NewMessage> = {}): NewMessage {
  return {
    channel,
    id: uuidv7(),
    publisher: 'user:ada',
    sender: 'ada',
    type: 'test',
    body: '{"text":"hello"}',
    metadata: null,
    controls: null,
    ttlMs: null,
    publishId: null,
    ...more,
  };
}
