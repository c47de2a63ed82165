import { setImmediate as nextTurn } from 'node:timers/promises';
import { sessionEnded, type Presence } from '#connection-manager';
import type { Author, Connection, Delivery, Outgoing } from '#delivery';
import { ifTaken, type FairQueue, type SharedLimits } from '#limits';
import {
  channelKind,
  HISTORY_LIMIT,
  inboxOf,
  isGranted,
  ProtocolError,
  startOfSecondItem,
  type GrantVerb,
  type RequestName,
  type RequestPayload,
  type RequestResult,
} from '#protocol';
import { PresenceWatcher } from './presence-watcher.js';
import { RequestOrder } from './request-order.js';
import type { SocketTransport } from '../fast-path/socket-transport.js';
import type { InTurn, SocketThrottle } from '../throttle/socket-throttle.js';
import type { ClientSession } from '../client-session.js';

type Handlers = {
  [N in RequestName]: (payload: RequestPayload<N>, json: string | undefined) => Promise<RequestResult<N>>;
};

/** The most bytes of a long answer: a page of history, and the users of a channel. */
const PAGE_BYTES = 1_048_576;
const USERS_BYTES = 131_072;
/** How many long answers of a connection are made at once: a page, and as many bytes of answers about presence. */
const LANES = { page: 1, users: PAGE_BYTES / USERS_BYTES } as const;

export interface RequestHandlersContext {
  readonly delivery: Delivery;
  readonly presence: Presence;
  readonly fairQueue: FairQueue;
  readonly sharedLimits: SharedLimits;
}

const NOTHING = Promise.resolve();
const TOO_MANY_PUBLISHES = 'the user publishes too fast';

/** Requests whose order is settled as soon as they have begun, so those that follow need not wait for the answer. */
const BEGUN_IS_DONE: ReadonlySet<RequestName> = new Set(['publish', 'schedule', 'history', 'cancel', 'read']);

/**
 * Requests that need a statement for themselves, or an item in a batch. A user has a few of them under way at once, and
 * the others wait for the user's turn. Requests with long answers are not among them: they take their turn once the
 * network has taken the answers before.
 */
const IN_TURNS: ReadonlySet<RequestName> = new Set(['subscribe', 'join', 'leave', 'schedule', 'cancel', 'read']);

/**
 * Carries out the requests of a client, and checks the right that each needs. The identity is that of the token,
 * whatever the request says.
 */
export class RequestHandlers implements Handlers {
  private readonly delivery: Delivery;
  private readonly author: Author;
  /** In each lane long answers are made one after the other, so that requests wait in memory and not their answers. */
  private readonly lanes = { page: [] as Promise<unknown>[], users: [] as Promise<unknown>[] };
  /** Undefined until the client asks about presence. */
  private watching: PresenceWatcher | undefined;
  /** Undefined until there is a request that others may have to wait for. */
  private order: RequestOrder | undefined;
  /** True once the client has logged out. */
  private isOver = false;
  /** True once the socket has closed. Requests sent before may still wait for their turn. */
  private isGone = false;

  private readonly inTurn: InTurn = (work) => this.context.fairQueue.run(this.author.publisher, work);

  constructor(
    private readonly context: RequestHandlersContext,
    private readonly session: ClientSession,
    private readonly transport: SocketTransport,
    private readonly connection: Connection,
    private readonly throttle: SocketThrottle,
  ) {
    this.delivery = context.delivery;
    this.author = { publisher: `user:${this.user}`, sender: this.user };
  }

  private get user(): string {
    return this.session.login.user;
  }

  private get watcher(): PresenceWatcher {
    this.watching ??= new PresenceWatcher(this.session, this.transport);
    // A request that waited for its turn may run after its connection has ended, and its watch would never be removed.
    this.watching.isGone = this.isGone;
    return this.watching;
  }

  /** To be called when the socket has closed. Ends the watches of the client. */
  end(): void {
    this.isGone = true;
    if (this.watching) this.context.presence.leave(this.watching);
  }

  /**
   * Runs a request, whose payload was parsed with the schema of this very request.
   * @param json the text that the request came in; undefined if that is not known
   */
  run<N extends RequestName>(name: N, payload: RequestPayload<N>, json: string | undefined): Promise<RequestResult<N>> {
    if (name === 'ack') return this.handle(name, payload, json);
    if (this.isOver) throw sessionEnded();
    const isFree = this.order?.isIdle ?? true;
    if (
      isFree &&
      BEGUN_IS_DONE.has(name) &&
      this.isAllowed(name, channelOf(payload)) &&
      this.mayHaveReceipts(payload)
    ) {
      return this.handle(name, payload, json);
    }
    return this.runInOrder(name, payload, json);
  }

  publish(request: RequestPayload<'publish'>, json: string | undefined): Promise<RequestResult<'publish'>> {
    const taken = this.takePublish();
    if (taken === 0) return this.append(request, json);
    return ifTaken(taken, TOO_MANY_PUBLISHES, () => this.append(request, json));
  }

  schedule(
    { sendAt, ...request }: RequestPayload<'schedule'>,
    json: string | undefined,
  ): Promise<RequestResult<'schedule'>> {
    return ifTaken(this.takePublish(), TOO_MANY_PUBLISHES, () => {
      const outgoing = { ...this.toOutgoing(request), sendAt };
      return this.delivery.publisher.schedule(outgoing, json, placeOf(json), this.author);
    });
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
    return { channel, ...(await this.delivery.subscriptions.subscribe(this.connection, channel, sinceSeq)) };
  }

  async unsubscribe({ channel }: RequestPayload<'unsubscribe'>): Promise<RequestResult<'unsubscribe'>> {
    this.delivery.subscriptions.unsubscribe(this.connection, channel);
    return Promise.resolve({ channel });
  }

  async join({ channel }: RequestPayload<'join'>): Promise<RequestResult<'join'>> {
    if (!this.isMember(channel)) this.delivery.subscriptions.assertRoom(this.connection);
    const seq = await this.delivery.join(this.user, channel, true);
    this.context.presence.forget(channel);
    return { channel, seq };
  }

  async leave({ channel }: RequestPayload<'leave'>): Promise<RequestResult<'leave'>> {
    await this.delivery.leave(this.user, channel);
    this.context.presence.forget(channel);
    return { channel };
  }

  history({ channel, ...bounds }: RequestPayload<'history'>): Promise<RequestResult<'history'>> {
    const { afterSeq = 0, beforeSeq, from, to, order = 'asc', limit = HISTORY_LIMIT } = bounds;
    const { memberRights, log } = this.delivery;
    const isByMembership = this.isMember(channel) && !isGranted(this.session.grants, 'subscribe', channel);
    const within = { afterSeq, beforeSeq, from, to, order, limit };
    const { key } = this.connection;
    return this.inLane('page', PAGE_BYTES, () =>
      isByMembership ? memberRights.history(key, channel, within) : log.history(channel, within, key),
    );
  }

  presence({ channel }: RequestPayload<'presence'>): Promise<RequestResult<'presence'>> {
    return this.inLane('users', USERS_BYTES, () => this.context.presence.query(this.watcher, channel));
  }

  watch({ channel }: RequestPayload<'watch'>): Promise<RequestResult<'watch'>> {
    return this.inLane('users', USERS_BYTES, async () => ({
      channel,
      online: await this.context.presence.watch(this.watcher, channel),
    }));
  }

  async unwatch({ channel }: RequestPayload<'unwatch'>): Promise<RequestResult<'unwatch'>> {
    this.context.presence.unwatch(this.watcher, channel);
    return Promise.resolve({ channel });
  }

  /** Makes an answer of up to so many bytes. If all lanes of its kind are taken, it comes after the one begun first. */
  private inLane<T>(kind: keyof typeof LANES, bytes: number, work: () => Promise<T>): Promise<T> {
    const lanes = this.lanes[kind];
    const before = lanes.length < LANES[kind] ? NOTHING : lanes.shift();
    const answer = (before ?? NOTHING).then(() => this.throttle.longAnswer(bytes, this.inTurn, work));
    // The caller gets the error. By the next turn of the event loop the answer has been handed to the network.
    lanes.push(answer.catch(() => undefined).then(() => nextTurn()));
    return answer;
  }

  async token({ token }: RequestPayload<'token'>): Promise<RequestResult<'token'>> {
    const expiresAtMs = await this.session.renew(token);
    await this.endUngranted();
    return { expiresAt: new Date(expiresAtMs).toISOString() };
  }

  async logout(): Promise<RequestResult<'logout'>> {
    await this.session.logout();
    this.isOver = true;
    return {};
  }

  /**
   * Ends the subscriptions and watches for which the client no longer has the grants. Memberships stay, because they
   * are the user's and not the token's.
   */
  private async endUngranted(): Promise<void> {
    for (const channel of this.delivery.subscriptions.askedFor(this.connection)) {
      if (this.isAllowed('subscribe', channel)) continue;
      this.delivery.subscriptions.unsubscribe(this.connection, channel);
      this.transport.ended({ channel, request: 'subscribe' });
    }
    if (this.watching) await this.context.presence.review(this.watching);
  }

  private takePublish(): number | Promise<number> {
    return this.context.sharedLimits.publishes.take(this.user);
  }

  private append(request: RequestPayload<'publish'>, json: string | undefined): Promise<RequestResult<'publish'>> {
    return this.delivery.publisher.publish(this.toOutgoing(request), json, placeOf(json), this.author);
  }

  /** Replaces exceptSelf, exceptDevice and exceptConnection by the user, device and connection that publishes. */
  private toOutgoing(request: RequestPayload<'publish'>): Outgoing {
    // Most requests are plain, and a copy is a good part of what a publish costs here.
    if (isPlain(request)) return request;
    const { exceptSelf, exceptDevice, exceptConnection, receipts, ...outgoing } = request;
    const { user, deviceId, connectionId } = this.connection.key;
    return {
      ...outgoing,
      ...(exceptSelf === true ? { exceptUser: user } : {}),
      ...(exceptDevice === true ? { exceptDevice: { user, deviceId } } : {}),
      ...(exceptConnection === true ? { exceptConnection: connectionId } : {}),
      ...(receipts === undefined ? {} : { receipts }),
    };
  }

  private async runInOrder<N extends RequestName>(
    name: N,
    payload: RequestPayload<N>,
    json: string | undefined,
  ): Promise<RequestResult<N>> {
    const channel = channelOf(payload);
    this.order ??= new RequestOrder();
    const begun = await this.order.run(name, channel, async () => {
      if (this.isOver) throw sessionEnded();
      await this.assertAllowed(name, channel);
      if (!this.mayHaveReceipts(payload)) await this.delivery.memberRights.receipts.assertFree(channel);
      const answer = this.handle(name, payload, json);
      // The promise is put into an object, because a bare one would be waited for.
      return { answer: BEGUN_IS_DONE.has(name) ? answer : await answer };
    });
    return begun.answer;
  }

  private handle<N extends RequestName>(
    name: N,
    payload: RequestPayload<N>,
    json: string | undefined,
  ): Promise<RequestResult<N>> {
    const handler = this[name] as Handlers[N];
    if (IN_TURNS.has(name)) return this.inTurn(() => handler.call(this, payload, json));
    return handler.call(this, payload, json);
  }

  /** True if the request is allowed as far as this connection knows. A membership may be newer than what it knows. */
  private isAllowed(name: RequestName, channel: string): boolean {
    const verb = VERBS[name];
    if (verb === undefined || (verb !== 'join' && this.isMember(channel))) return true;
    if (isGranted(this.session.grants, verb, channel)) return true;
    return verb === 'subscribe' && (channel === 'broadcast' || channel === inboxOf(this.user));
  }

  /** Asks the database before it refuses a request that members may make. @throws ProtocolError FORBIDDEN */
  private async assertAllowed(name: RequestName, channel: string): Promise<void> {
    if (this.isAllowed(name, channel)) return;
    const isMember =
      name !== 'join' &&
      channelKind(channel) === 'group' &&
      (await this.delivery.memberRights.isMember(this.user, channel));
    if (!isMember) throw new ProtocolError('FORBIDDEN', `the token does not grant ${VERBS[name]}:${channel}`);
  }

  /** True if the request asks for no receipts, or may ask for them as far as is known here. */
  private mayHaveReceipts(payload: object): boolean {
    if (!('receipts' in payload) || payload.receipts === undefined) return true;
    const channel = channelOf(payload);
    return (
      isGranted(this.session.grants, 'receipts', channel) || this.delivery.memberRights.receipts.isKnownFree(channel)
    );
  }

  private isMember(channel: string): boolean {
    return this.connection.isMemberOf(channel) && channelKind(channel) === 'group';
  }
}

/** The grant that each request needs. Requests about presence check their own. */
const VERBS: Partial<Record<RequestName, GrantVerb>> = {
  publish: 'publish',
  schedule: 'publish',
  subscribe: 'subscribe',
  history: 'subscribe',
  join: 'join',
};

/** Returns where the payload begins in the text of the request. It is the second item of the event, after its name. */
function placeOf(json: string | undefined): number {
  return json === undefined ? 0 : startOfSecondItem(json, 0);
}

function channelOf(payload: object): string {
  return 'channel' in payload ? (payload.channel as string) : '';
}

/** True if the request says nothing about the author's own devices and connections. */
function isPlain(request: RequestPayload<'publish'>): request is RequestPayload<'publish'> & Outgoing {
  const { exceptSelf, exceptDevice, exceptConnection } = request;
  return exceptSelf === undefined && exceptDevice === undefined && exceptConnection === undefined;
}
