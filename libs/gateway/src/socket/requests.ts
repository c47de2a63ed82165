import type { Presence } from '#connection-manager';
import type { Author, Connection, Delivery, Outgoing } from '#delivery';
import {
  bodyIn,
  channelKind,
  encodeBody,
  Fault,
  inboxOf,
  isGranted,
  startsOfItems,
  type GrantVerb,
  type RequestName,
  type RequestPayload,
  type RequestResult,
} from '#protocol';
import { PresenceWatcher } from './presence-watcher.js';
import type { SocketOutlet } from './socket-outlet.js';
import type { SocketSession } from './socket-session.js';

type Handlers = {
  [N in RequestName]: (payload: RequestPayload<N>, json: string | undefined) => Promise<RequestResult<N>>;
};

const HISTORY_LIMIT = 100;
/** Of what waits to be read by the client: with more than this, it gets no further pages. */
const MAX_BUFFERED_BYTES = 1_048_576;

export interface RequestsContext {
  readonly delivery: Delivery;
  readonly presence: Presence;
}

const NOTHING = Promise.resolve();

/** What a client may ask for, and with which right. Identity is the token's, whatever the request says. */
export class Requests implements Handlers {
  private readonly delivery: Delivery;
  private readonly author: Author;
  /** Pages of history are read one after the other: what waits in memory is requests, not pages. */
  private reading: Promise<unknown> = NOTHING;
  /** Made for those who ask. */
  private watching: PresenceWatcher | undefined;

  constructor(
    private readonly context: RequestsContext,
    private readonly session: SocketSession,
    private readonly outlet: SocketOutlet,
    private readonly connection: Connection,
  ) {
    this.delivery = context.delivery;
    this.author = { publisher: `user:${this.user}`, sender: this.user };
  }

  private get user(): string {
    return this.session.login.user;
  }

  private get watcher(): PresenceWatcher {
    this.watching ??= new PresenceWatcher(this.session, this.outlet);
    return this.watching;
  }

  /** The socket has closed. */
  forgetWatches(): void {
    if (this.watching) this.context.presence.leave(this.watching);
  }

  /** @param json the text it came in; undefined if that is not known */
  run<N extends RequestName>(name: N, payload: unknown, json: string | undefined): Promise<RequestResult<N>> {
    // The payload was parsed with the schema of this very request.
    const handler = this[name] as Handlers[N];
    return handler.call(this, payload as RequestPayload<N>, json);
  }

  publish(request: RequestPayload<'publish'>, json: string | undefined): Promise<RequestResult<'publish'>> {
    this.assertPublishable(request.channel);
    return this.delivery.publisher.publish(this.toOutgoing(request), this.bodyOf(request, json), this.author);
  }

  schedule(
    { sendAt, ...request }: RequestPayload<'schedule'>,
    json: string | undefined,
  ): Promise<RequestResult<'schedule'>> {
    this.assertPublishable(request.channel);
    const outgoing = { ...this.toOutgoing(request), sendAt };
    return this.delivery.publisher.schedule(outgoing, this.bodyOf(request, json), this.author);
  }

  cancel({ id }: RequestPayload<'cancel'>): Promise<RequestResult<'cancel'>> {
    return this.delivery.publisher.cancel(id, this.author);
  }

  async read(positions: RequestPayload<'read'>): Promise<RequestResult<'read'>> {
    await this.delivery.read(this.connection, positions);
    return {};
  }

  async ack(positions: RequestPayload<'ack'>): Promise<RequestResult<'ack'>> {
    await this.delivery.acknowledge(this.connection, positions);
    return {};
  }

  async subscribe({ channel, sinceSeq }: RequestPayload<'subscribe'>): Promise<RequestResult<'subscribe'>> {
    this.assertReadable(channel);
    return { channel, ...(await this.delivery.subscriptions.subscribe(this.connection, channel, sinceSeq)) };
  }

  async unsubscribe({ channel }: RequestPayload<'unsubscribe'>): Promise<RequestResult<'unsubscribe'>> {
    this.delivery.subscriptions.unsubscribe(this.connection, channel);
    return Promise.resolve({ channel });
  }

  async join({ channel }: RequestPayload<'join'>): Promise<RequestResult<'join'>> {
    this.assertGranted('join', channel);
    if (!this.isMember(channel)) this.delivery.subscriptions.assertRoom(this.connection);
    return { channel, seq: await this.delivery.join(this.user, channel) };
  }

  async leave({ channel }: RequestPayload<'leave'>): Promise<RequestResult<'leave'>> {
    await this.delivery.leave(this.user, channel);
    return { channel };
  }

  history({ channel, ...bounds }: RequestPayload<'history'>): Promise<RequestResult<'history'>> {
    this.assertReadable(channel);
    const { afterSeq = 0, beforeSeq, from, to, order = 'asc', limit = HISTORY_LIMIT } = bounds;
    const page = this.reading.then(() => {
      if (this.connection.outlet.bufferedBytes > MAX_BUFFERED_BYTES)
        throw new Fault('OVERLOADED', 'earlier answers wait to be read');
      return this.delivery.log.history(channel, { afterSeq, beforeSeq, from, to, order, limit });
    });
    this.reading = page.catch(() => undefined); // its own asker hears of it
    return page;
  }

  presence({ channel }: RequestPayload<'presence'>): Promise<RequestResult<'presence'>> {
    return this.context.presence.query(this.watcher, channel);
  }

  async watch({ channel }: RequestPayload<'watch'>): Promise<RequestResult<'watch'>> {
    return { channel, online: await this.context.presence.watch(this.watcher, channel) };
  }

  async unwatch({ channel }: RequestPayload<'unwatch'>): Promise<RequestResult<'unwatch'>> {
    this.context.presence.unwatch(this.watcher, channel);
    return Promise.resolve({ channel });
  }

  async token({ token }: RequestPayload<'token'>): Promise<RequestResult<'token'>> {
    const expiresAtMs = await this.session.renew(token);
    await this.endUngranted();
    return { expiresAt: new Date(expiresAtMs).toISOString() };
  }

  async logout(): Promise<RequestResult<'logout'>> {
    await this.session.logout();
    return {};
  }

  /** Ends what the client asked for with grants that it has not any more. Memberships are the user's, not the token's. */
  private async endUngranted(): Promise<void> {
    for (const channel of this.delivery.subscriptions.askedFor(this.connection)) {
      if (this.mayRead(channel)) continue;
      this.delivery.subscriptions.unsubscribe(this.connection, channel);
      this.outlet.ended({ channel, request: 'subscribe' });
    }
    if (this.watching) await this.context.presence.review(this.watching);
  }

  /** Spells out whose devices and which connection "self" is. */
  private toOutgoing(request: RequestPayload<'publish'>): Outgoing {
    // As most are, and a copy is a good part of what a publish costs here.
    if (isPlain(request)) return request;
    const { exceptSelf, exceptConnection, receipts, ...outgoing } = request;
    return {
      ...outgoing,
      ...(exceptSelf === true ? { exceptUser: this.user } : {}),
      ...(exceptConnection === true ? { exceptConnection: this.connection.key.connectionId } : {}),
      ...(receipts === undefined ? {} : { receipts }),
    };
  }

  /** The payload is the second item of the event, behind its name. */
  private bodyOf({ data }: RequestPayload<'publish'>, json: string | undefined): string {
    const { bodyLimits } = this.delivery.publisher;
    if (json === undefined) return encodeBody(data, bodyLimits);
    return bodyIn(json, startsOfItems(json, 0, 2)[1] ?? 0, bodyLimits);
  }

  private assertPublishable(channel: string): void {
    if (!this.isMember(channel)) this.assertGranted('publish', channel);
  }

  private isMember(channel: string): boolean {
    return this.connection.isMemberOf(channel) && channelKind(channel) === 'group';
  }

  private assertReadable(channel: string): void {
    if (!this.mayRead(channel)) this.assertGranted('subscribe', channel);
  }

  private mayRead(channel: string): boolean {
    const isOwn = channel === inboxOf(this.user) || channel === 'broadcast' || this.isMember(channel);
    return isOwn || isGranted(this.session.grants, 'subscribe', channel);
  }

  private assertGranted(verb: GrantVerb, channel: string): void {
    if (isGranted(this.session.grants, verb, channel)) return;
    throw new Fault('FORBIDDEN', `the token does not grant ${verb}:${channel}`);
  }
}

/** It has no wishes about its author's own devices. */
function isPlain(request: RequestPayload<'publish'>): request is RequestPayload<'publish'> & Outgoing {
  return request.exceptSelf === undefined && request.exceptConnection === undefined;
}
