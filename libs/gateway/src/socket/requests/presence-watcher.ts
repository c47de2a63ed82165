import type { Presence, Watcher } from '#connection-manager';
import { isGranted, type EventPayload } from '#protocol';
import type { ClientSession } from '../client-session.js';
import type { SocketTransport } from '../fast-path/socket-transport.js';

/** One socket as a watcher of presence. Its rights are the grants of the token that it has at the moment. */
export class PresenceWatcher implements Watcher {
  readonly watched = new Set<string>();
  isGone = false;

  constructor(
    private readonly session: ClientSession,
    private readonly transport: SocketTransport,
    private readonly presence: Presence,
  ) {}

  get user(): string {
    return this.session.login.user;
  }

  isGranted(channel: string): boolean {
    return isGranted(this.session.grants, 'presence', channel);
  }

  /** Ends all watches, because the connection has ended. */
  leave(): void {
    this.presence.leave(this);
  }

  onPresence(payload: EventPayload<'presence'>): void {
    this.transport.presence(payload);
  }

  onEnded(channel: string): void {
    this.transport.ended({ channel, request: 'watch' });
  }
}
