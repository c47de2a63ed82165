import type { RequestName } from '#protocol';
import { MembershipRequests } from './handlers/membership-requests.js';
import { MessageRequests } from './handlers/message-requests.js';
import { PresenceRequests } from './handlers/presence-requests.js';
import { ReadingRequests } from './handlers/reading-requests.js';
import { SessionRequests } from './handlers/session-requests.js';
import { RequestHandlers } from './request-handlers.js';
import { RequestOrder, type RequestDependencies } from './request-order.js';

/** Stands for the stores, which say nothing about the order. */
const NONE = undefined as never;

const { byName } = new RequestHandlers(
  new MessageRequests(NONE, NONE),
  new ReadingRequests(NONE),
  new MembershipRequests(NONE, NONE),
  new PresenceRequests(NONE),
  new SessionRequests(NONE, NONE),
);

const orderOf = (name: RequestName, channel: string): RequestDependencies => byName[name].order(channel);

describe('RequestOrder', () => {
  let order: RequestOrder;
  let begun: string[];
  let ends: Map<string, () => void>;

  beforeEach(() => {
    order = new RequestOrder();
    begun = [];
    ends = new Map();
  });

  /** Runs a request that goes on until {@link end}. */
  function ask(name: RequestName, channel = ''): Promise<void> {
    const what = `${name} ${channel}`.trim();
    return order.run(orderOf(name, channel), () => {
      begun.push(what);
      return new Promise((resolve) => ends.set(what, resolve));
    });
  }

  /** Lets a request take effect, so that those that waited for it begin. */
  async function end(what: string): Promise<void> {
    ends.get(what)?.();
    await settled();
  }

  const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  it.each<[RequestName, RequestName]>([
    ['join', 'leave'],
    ['leave', 'join'],
    ['join', 'publish'],
    ['leave', 'publish'],
    ['publish', 'leave'],
    ['publish', 'publish'],
    ['join', 'history'],
    ['subscribe', 'unsubscribe'],
    ['unsubscribe', 'subscribe'],
    ['watch', 'unwatch'],
    ['join', 'watch'],
    ['watch', 'leave'],
    ['leave', 'presence'],
    ['token', 'publish'],
    ['token', 'history'],
    ['publish', 'token'],
    ['logout', 'read'],
    ['logout', 'cancel'],
    ['watch', 'logout'],
  ])('%s comes before a %s that was sent behind it', async (first, second) => {
    void ask(first, 'group:a');
    void ask(second, 'group:a');
    await settled();
    expect(begun).toEqual([`${first} group:a`]);
    await end(`${first} group:a`);
    expect(begun).toEqual([first, second].map((name) => `${name} group:a`));
  });

  it.each<[RequestName, RequestName]>([
    ['join', 'publish'],
    ['join', 'join'],
    ['subscribe', 'publish'],
    ['publish', 'publish'],
    ['watch', 'watch'],
  ])('%s of one channel does not hold up %s of another', async (first, second) => {
    void ask(first, 'group:a');
    void ask(second, 'group:b');
    await settled();
    expect(begun).toEqual([`${first} group:a`, `${second} group:b`]);
  });

  it('reads of presence do not hold up each other, nor a publish', async () => {
    void ask('presence', 'group:a');
    void ask('presence', 'group:a');
    void ask('publish', 'group:a');
    await settled();
    expect(begun).toHaveLength(3);
  });

  it('goes on behind a request that failed, and is idle in the end', async () => {
    const failing = order.run(orderOf('join', 'group:a'), () => Promise.reject(new Error('no')));
    void ask('leave', 'group:a');
    await expect(failing).rejects.toThrow('no');
    await settled();
    expect(begun).toEqual(['leave group:a']);
    expect(order.isIdle).toBe(false);
    await end('leave group:a');
    expect(order.isIdle).toBe(true);
  });
});
