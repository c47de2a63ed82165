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
  private isFull = true;

  isMember(channel: string): boolean {
    return this.members.has(channel);
  }

  /** The routes an instance has for this connection: the groups it reads, and the presence that it watches. */
  routes(groups: readonly string[]): string[] {
    const read = groups.filter((channel) => this.members.has(channel) || this.subscribed.has(channel));
    return [...read, ...[...this.watched].map((channel) => `presence:${channel}`)].toSorted();
  }

  /** @returns the code of the refusal, or 0 */
  take(name: RequestName, payload: RequestPayload<RequestName>, fullToken: string): number {
    if ('token' in payload) {
      this.isFull = payload.token === fullToken;
      return OK;
    }
    return 'channel' in payload ? this.takeOf(name, String(payload.channel)) : OK;
  }

  private takeOf(name: RequestName, channel: string): number {
    const take = {
      join: () => this.join(channel),
      leave: () => (this.members.delete(channel) ? OK : NOT_FOUND),
      publish: () => (this.isFull || this.isMember(channel) ? OK : FORBIDDEN),
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

  private join(channel: string): number {
    if (!this.isFull) return FORBIDDEN;
    this.members.add(channel);
    this.subscribed.delete(channel);
    return OK;
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
    return OK;
  }

  private unwatch(channel: string): number {
    this.watched.delete(channel);
    return OK;
  }

  /** Bob is in group:red alone. */
  private maySee(channel: string): boolean {
    return this.isFull || this.isMember(channel === 'user:bob' ? 'group:red' : channel);
  }
}
