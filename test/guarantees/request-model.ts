import type { RequestName, RequestPayload } from '#protocol';

const OK = 0;
const BAD_REQUEST = 1000;
const NOT_SUBSCRIBED = 1010;
const NOT_FOUND = 1012;
const FORBIDDEN = 3001;

/** What requests of one connection do when each is awaited before the next: what a server that keeps order must do. */
export class RequestModel {
  private readonly members = new Set<string>();
  private readonly subscribed = new Set<string>();
  private readonly watched = new Set<string>();
  /** Watches whose right ended with a membership: they end with the next announcement, whenever that is. */
  private readonly ending = new Set<string>();
  private isFull = true;

  isMember(channel: string): boolean {
    return this.members.has(channel);
  }

  /** The routes an instance has for this connection: the groups it reads, and the presence that it watches. */
  routes(groups: readonly string[]): string[] {
    const read = groups.filter((channel) => this.members.has(channel) || this.subscribed.has(channel));
    return [...read, ...[...this.watched].map(presenceRoute)].filter((route) => !this.isUnsure(route)).toSorted();
  }

  /** The instance may have this route or have it no more. */
  isUnsure(route: string): boolean {
    return [...this.ending].some((channel) => presenceRoute(channel) === route);
  }

  /** @returns the code of the refusal, or 0 */
  take(name: RequestName, payload: RequestPayload<RequestName>, fullToken: string): number {
    if ('token' in payload) {
      return this.renew(payload.token === fullToken);
    }
    return 'channel' in payload ? this.takeOf(name, String(payload.channel)) : OK;
  }

  private takeOf(name: RequestName, channel: string): number {
    const take = {
      join: () => this.join(channel),
      leave: () => this.leave(channel),
      publish: () => this.publish(channel),
      schedule: () => this.publish(channel),
      subscribe: () => this.subscribe(channel),
      unsubscribe: () => this.unsubscribe(channel),
      presence: () => (this.maySee(channel) ? OK : FORBIDDEN),
      watch: () => this.watch(channel),
      unwatch: () => this.unwatch(channel),
      history: () => OK,
    }[name as string];
    if (!take) throw new Error(`the model does not know ${name}`);
    return take();
  }

  /** What the new token does not grant any more ends. */
  private renew(isFull: boolean): number {
    this.isFull = isFull;
    for (const channel of this.watched) if (!this.maySee(channel)) this.unwatch(channel);
    return OK;
  }

  private leave(channel: string): number {
    if (!this.members.delete(channel)) return NOT_FOUND;
    for (const watched of this.watched) if (!this.maySee(watched)) this.ending.add(watched);
    return OK;
  }

  private join(channel: string): number {
    if (!this.isFull) return FORBIDDEN;
    this.members.add(channel);
    this.subscribed.delete(channel);
    return OK;
  }

  private publish(channel: string): number {
    return this.isFull || this.isMember(channel) ? OK : FORBIDDEN;
  }

  private subscribe(channel: string): number {
    if (!this.isMember(channel)) this.subscribed.add(channel);
    return OK;
  }

  private unsubscribe(channel: string): number {
    if (this.isMember(channel)) return BAD_REQUEST;
    return this.subscribed.delete(channel) ? OK : NOT_SUBSCRIBED;
  }

  private watch(channel: string): number {
    if (!this.maySee(channel)) return FORBIDDEN;
    this.watched.add(channel);
    this.ending.delete(channel);
    return OK;
  }

  private unwatch(channel: string): number {
    this.watched.delete(channel);
    this.ending.delete(channel);
    return OK;
  }

  /** Bob is in group:red alone. */
  private maySee(channel: string): boolean {
    return this.isFull || this.isMember(channel === 'user:bob' ? 'group:red' : channel);
  }
}

function presenceRoute(channel: string): string {
  return `presence:${channel}`;
}
