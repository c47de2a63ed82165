import type { Presence } from '#connection-manager';
import type { Author, Connection, Delivery } from '#delivery';
import type { FairQueue } from '#limits';
import type { ClientSession } from '../client-session.js';
import type { SocketTransport } from '../fast-path/socket-transport.js';
import type { InTurn, SocketThrottle } from '../throttle/socket-throttle.js';
import { ClientRights } from './client-rights.js';
import { LongAnswers } from './long-answers.js';
import { PresenceWatcher } from './presence-watcher.js';

/**
 * The client of one connection, as the handlers of its requests see it. Its identity is that of the token, whatever a
 * request says.
 */
export class Requester {
  readonly author: Author;
  readonly rights: ClientRights;
  readonly longAnswers: LongAnswers;
  /** The client as a watcher of presence. Undefined until it asks about presence. */
  watcher: PresenceWatcher | undefined;
  isLoggedOut = false;
  /** True once the socket has closed. Requests sent before may still wait for their turn. */
  private isGone = false;

  readonly inTurn: InTurn = (work) => this.fairQueue.run(this.author.publisher, work);

  constructor(
    readonly session: ClientSession,
    readonly transport: SocketTransport,
    readonly connection: Connection,
    memberRights: Delivery['memberRights'],
    throttle: SocketThrottle,
    private readonly fairQueue: FairQueue,
  ) {
    this.author = { publisher: `user:${this.user}`, sender: this.user };
    this.rights = new ClientRights(session, connection, memberRights);
    this.longAnswers = new LongAnswers(throttle, this.inTurn);
  }

  get user(): string {
    return this.session.login.user;
  }

  watch(presence: Presence): PresenceWatcher {
    this.watcher ??= new PresenceWatcher(this.session, this.transport, presence);
    // A request that waited for its turn may run after its connection has ended, and its watch would never be removed.
    this.watcher.isGone = this.isGone;
    return this.watcher;
  }

  /** To be called when the socket has closed. Ends the watches of the client. */
  end(): void {
    this.isGone = true;
    this.watcher?.leave();
  }
}
