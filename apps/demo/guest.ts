import type { EventPayload, Message } from '#protocol';
import { Client } from './client.js';
import type { Ledger } from './ledger.js';
import type { Publication } from './replay-plan.js';

export interface GuestSettings {
  readonly user: string;
  readonly token: string;
  readonly group: string;
  /** Unique to the run, so that publish ids are too. */
  readonly runId: string;
  readonly ledger: Ledger;
  readonly pickUrl: () => string | undefined;
  readonly onGap: (user: string, gap: EventPayload<'gap'>) => void;
}

/** Each user has one device, so one name does for all. */
const DEVICE_ID = 'irc';

/** A user of the log on a device of its own, and what the ledger is told about it. */
export class Guest {
  readonly client: Client;
  /** Since when the log has them here, whatever happens to their connection meanwhile. */
  private hereSinceMs: number | undefined;
  private isMember = false;

  constructor(private readonly settings: GuestSettings) {
    const { user, token, pickUrl, onGap } = settings;
    this.client = new Client({
      token,
      deviceId: DEVICE_ID,
      pickUrl,
      onMessage: (message) => this.receive(message),
      onGap: (gap) => onGap(user, gap),
    });
  }

  get isHere(): boolean {
    return this.hereSinceMs !== undefined;
  }

  /** A member of the group from the first arrival on, and for good. */
  async arrive(): Promise<void> {
    await this.client.connect();
    if (!this.isMember) await this.join();
    this.hereSinceMs = performance.now();
  }

  /** They stay members: what is said meanwhile waits for them. */
  depart(): void {
    this.hereSinceMs = undefined;
    this.client.disconnect();
  }

  async publish(publication: Publication): Promise<void> {
    const { runId, ledger } = this.settings;
    const { channel, type, data } = publication;
    ledger.sent(publication, performance.now());
    const published = await this.client.publish({ channel, type, data, publishId: `${runId}:${data.line}:${type}` });
    ledger.acknowledged(publication, published);
  }

  /** True once nothing that was acknowledged is still on its way to this user. */
  hasEverything(): boolean {
    const { group, user, ledger } = this.settings;
    return [group, `user:${user}`].every((channel) => this.client.reader.lastSeq(channel) >= ledger.newestSeq(channel));
  }

  private async join(): Promise<void> {
    const { group, user, ledger } = this.settings;
    const { seq } = await this.client.join(group);
    ledger.joined(user, seq);
    this.isMember = true;
  }

  private receive(message: Message): void {
    this.settings.ledger.received(this.settings.user, message, performance.now(), this.hereSinceMs);
  }
}
