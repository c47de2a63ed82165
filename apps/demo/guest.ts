import type { EventPayload, Message } from '#protocol';
import { Client } from './client.js';
import type { DemoLedger } from './demo-ledger.js';
import type { Publication } from './replay-plan.js';

export interface GuestSettings {
  readonly user: string;
  readonly token: string;
  readonly group: string;
  /** Unique to the run, which makes the publish ids unique, too. */
  readonly runId: string;
  readonly ledger: DemoLedger;
  readonly pickUrl: () => string | undefined;
  readonly onGap: (user: string, gap: EventPayload<'gap'>) => void;
}

/** Each user has one device, so one name serves all of them. */
const DEVICE_ID = 'irc';

/** A user of the log on a device of its own; reports to the ledger what the user publishes and receives. */
export class Guest {
  readonly client: Client;
  /**
   * The time since which the log has the user in the channel, whatever happens to the connection meanwhile; undefined
   * while the user is away.
   */
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

  /** Connects the user, who joins the group at the first arrival and stays a member for good. */
  async arrive(): Promise<void> {
    await this.client.connect();
    if (!this.isMember) await this.join();
    this.hereSinceMs = performance.now();
  }

  /** Disconnects the user. As a member, the user gets later what is said meanwhile. */
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

  /** True once nothing that was acknowledged to a publisher is still on its way to this user. */
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
