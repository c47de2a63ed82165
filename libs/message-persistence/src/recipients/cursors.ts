import { plainArray, textArray, type Database } from '#database';
import type { Ack } from '#protocol';
import type { DeviceKey } from './devices.js';
import {
  FAIL_ATTEMPTS,
  SAVE_READS,
  SAVE_SETTLEMENTS,
  SAVE_SETTLEMENTS_WITH_RECEIPTS,
} from './sql/save-settlements.sql.js';

/** The outcome of one attempt to deliver a range of a channel to a connection. */
export interface Settlement {
  readonly user: string;
  readonly deviceId: string;
  readonly connectionId: string;
  readonly channel: string;
  readonly fromSeq: number;
  readonly toSeq: number;
  readonly attempt: number;
  /** Milliseconds since the range was sent. */
  readonly ageMs: number;
  readonly outcome: 'sent' | 'acknowledged' | 'timeout' | 'disconnected';
  readonly error: string | null;
  /** False for a channel that was only subscribed to: no cursor keeps its position. */
  readonly isDurable: boolean;
  /** True if a message of the range may ask for a receipt. */
  readonly wantsReceipts: boolean;
}

/** A message that was given up for a device. */
export interface Death extends DeviceKey {
  readonly channel: string;
  readonly seq: number;
}

/** Moves the cursors of devices, and records which attempts were acknowledged and which failed. */
export class Cursors {
  constructor(
    private readonly database: Database,
    private readonly instanceId: string,
    /** The number of failed attempts in all after which a message is given up for a device; 0 means never. */
    private readonly maxTotalAttempts: number,
  ) {}

  async save(settlements: readonly Settlement[]): Promise<void> {
    const texts = (valueOf: (settlement: Settlement) => string | null) => textArray(settlements.map(valueOf));
    const values = (valueOf: (settlement: Settlement) => number | boolean) => plainArray(settlements.map(valueOf));
    const wantReceipts = settlements.some(({ wantsReceipts }) => wantsReceipts);
    await this.database.rows(wantReceipts ? SAVE_SETTLEMENTS_WITH_RECEIPTS : SAVE_SETTLEMENTS, [
      texts(({ user }) => user),
      texts(({ deviceId }) => deviceId),
      texts(({ channel }) => channel),
      values(({ fromSeq }) => fromSeq),
      values(({ toSeq }) => toSeq),
      texts(({ connectionId }) => connectionId),
      values(({ attempt }) => attempt),
      values(({ ageMs }) => ageMs),
      texts(({ outcome }) => outcome),
      texts(({ error }) => error),
      values(({ isDurable }) => isDurable),
      this.instanceId,
      values(({ wantsReceipts }) => wantsReceipts),
    ]);
  }

  /** Counts the failed attempts among the settlements. @returns the messages that are given up now */
  async fail(settlements: readonly Settlement[]): Promise<Death[]> {
    const failed = settlements.filter(
      ({ outcome, isDurable }) => isDurable && (outcome === 'timeout' || outcome === 'disconnected'),
    );
    if (failed.length === 0 || this.maxTotalAttempts === 0) return [];
    const column = <K extends keyof Settlement>(key: K) => failed.map((settlement) => settlement[key]);
    const columns = [column('user'), column('deviceId'), column('channel'), column('fromSeq'), column('error')];
    const rows = await this.database.rows(FAIL_ATTEMPTS, [...columns, this.maxTotalAttempts]);
    return rows.map(({ user_id, device_id, channel, seq }) => ({ user: user_id, deviceId: device_id, channel, seq }));
  }

  /** Notes how far the user has read each channel, at most up to what this device has acknowledged. */
  async read({ user, deviceId }: DeviceKey, positions: Ack): Promise<void> {
    await this.database.rows(SAVE_READS, [user, deviceId, Object.keys(positions), Object.values(positions)]);
  }
}
