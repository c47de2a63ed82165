import { setTimeout as delay } from 'node:timers/promises';
import { signToken } from '#auth';
import type { Dice } from '../dice.js';
import type { Happening } from '../history/event.js';
import { ProxiedLink } from './cable.js';
import { Device, type Habits } from './device.js';
import type { OpenWires } from './open-sockets.js';
import { ChaosPublisher } from './publisher.js';
import { RestRoute, SocketRoute, type Route } from './route.js';
import type { Slot } from './slot.js';
import { JWT_SECRET } from '../../support/server.js';

export interface ChaosClientsOptions {
  readonly dice: Dice;
  readonly record: (happening: Happening) => void;
  readonly sockets: OpenWires;
  readonly pickSlot: (dice: Dice) => Slot | undefined;
  /** The publishes in a second, of all publishers together, when nothing is in the way. */
  readonly rate: number;
  readonly dedupes: boolean;
}

const USERS = 20;
const USERS_WITH_TWO_DEVICES = 6;
const GROUPS = ['group:red', 'group:green', 'group:blue'];
const MEMBERS = 7;
/** The user of a slow device, who is in every group. */
const SNAIL = 'snail';
const SNAIL_PACE_MS = 150;
const ROAMERS = 5;
const SOCKET_PUBLISHERS = 12;
const REST_PUBLISHERS = 3;
const GROUP_SHARE = 0.45;
const BROADCAST_SHARE = 0.003;
const TOKEN_TTL_MS = 24 * 3_600_000;

/** All clients of a run: those who receive, and those who publish. */
export class ChaosClients {
  readonly groups: Readonly<Record<string, readonly string[]>>;
  readonly users: readonly string[];
  readonly devices: Device[] = [];
  /** The devices that come and go. */
  readonly roamers: readonly Device[];
  /** The devices that stay, and publish nothing. */
  readonly listeners: readonly Device[];
  private readonly publishers: readonly ChaosPublisher[];
  private readonly restRoutes: RestRoute[] = [];
  private lastNumber = 0;

  private constructor(
    private readonly options: ChaosClientsOptions,
    private readonly links: readonly ProxiedLink[],
  ) {
    const { dice } = options;
    const users = Array.from({ length: USERS }, (_, index) => `u${String(index + 1).padStart(2, '0')}`);
    this.users = [...users, SNAIL];
    this.groups = Object.fromEntries(GROUPS.map((group) => [group, [...dice.sample(users, MEMBERS).sort(), SNAIL]]));
    const seats = [
      ...this.users.map((user) => ({ user, deviceId: 'phone' })),
      ...users.slice(0, USERS_WITH_TWO_DEVICES).map((user) => ({ user, deviceId: 'laptop' })),
    ];
    const spare = [...links];
    for (const seat of seats) this.devices.push(this.device(seat, takeFrom(spare)));
    const steady = this.devices.filter(({ isSlow }) => !isSlow);
    this.roamers = steady.slice(-ROAMERS);
    this.listeners = steady.slice(SOCKET_PUBLISHERS, -ROAMERS);
    const routes: Route[] = steady.slice(0, SOCKET_PUBLISHERS).map((device) => new SocketRoute(device));
    for (let number = 1; number <= REST_PUBLISHERS; number++) routes.push(this.restRoute(number, takeFrom(spare)));
    this.publishers = routes.map((route, index) => this.publisher(route, index, routes.length));
  }

  static async gather(options: ChaosClientsOptions): Promise<ChaosClients> {
    const count = USERS + 1 + USERS_WITH_TWO_DEVICES + REST_PUBLISHERS;
    return new ChaosClients(options, await Promise.all(Array.from({ length: count }, () => ProxiedLink.make())));
  }

  get isComplete(): boolean {
    return this.devices.every(({ isReady }) => isReady);
  }

  get onlineCount(): number {
    return this.devices.filter(({ isReady }) => isReady).length;
  }

  get publishCount(): number {
    return this.lastNumber;
  }

  /** Connects every device, for the first time or again. */
  async assemble(signal: AbortSignal): Promise<void> {
    for (const device of this.devices) device.arrive();
    await Promise.all(this.devices.map((device) => device.whenReady(signal)));
  }

  /** Publishes, comes and goes until the signal. Resolves when no publish is under way any more. */
  async live(signal: AbortSignal): Promise<void> {
    await Promise.all([
      ...this.publishers.map((publisher) => publisher.run(signal)),
      ...this.roamers.map((device) => this.roam(device, signal)),
    ]);
  }

  /** Sends REST publishes to this address instead of through their proxied links. */
  sendRestTo(url: string): void {
    for (const route of this.restRoutes) route.detour = url;
  }

  /** Lets slow devices process everything at once. */
  hurry(): void {
    for (const device of this.devices) device.isHurried = true;
  }

  disperse(): void {
    for (const device of this.devices) device.leave('clean');
    for (const { proxy } of this.links) proxy.stop();
  }

  private device({ user, deviceId }: { user: string; deviceId: string }, link: ProxiedLink): Device {
    const { sockets, record, pickSlot } = this.options;
    const dice = this.options.dice.named(`${user}/${deviceId}`);
    const token = signToken(JWT_SECRET, { user, grants: ['publish:*'], ttlMs: TOKEN_TTL_MS });
    const habits: Habits = {
      wantsConfirmation: dice.chance(0.4),
      resumes: dice.chance(0.3),
      paceMs: user === SNAIL ? SNAIL_PACE_MS : 0,
      dedupes: this.options.dedupes,
    };
    return new Device({ user, deviceId, token, link, sockets, record, dice, habits, pickSlot: () => pickSlot(dice) });
  }

  private restRoute(number: number, link: ProxiedLink): RestRoute {
    const dice = this.options.dice.named(`rest-${number}`);
    const name = `rest-${number}`;
    const route = new RestRoute(name, link, () => this.options.pickSlot(dice));
    this.restRoutes.push(route);
    return route;
  }

  private publisher(route: Route, index: number, count: number): ChaosPublisher {
    const { record, rate } = this.options;
    return new ChaosPublisher({
      route,
      record,
      dice: this.options.dice.named(`publisher ${route.publisher}`),
      everyMs: (1_000 * count) / rate,
      pickChannel: (dice) => this.pickChannel(dice),
      next: () => ++this.lastNumber,
      isFainthearted: index % 6 === 5,
    });
  }

  private pickChannel(dice: Dice): string {
    if (dice.chance(BROADCAST_SHARE)) return 'broadcast';
    return dice.chance(GROUP_SHARE) ? dice.pick(GROUPS) : `user:${dice.pick(this.users)}`;
  }

  private async roam(device: Device, signal: AbortSignal): Promise<void> {
    const dice = this.options.dice.named(`roamer ${device.name}`);
    const pause = (low: number, high: number): Promise<void> =>
      delay(dice.between(low, high), undefined, { signal }).catch(() => undefined);
    while (!signal.aborted) {
      await pause(4_000, 15_000);
      if (!signal.aborted) device.leave(dice.chance(0.5) ? 'clean' : 'abrupt');
      await pause(500, 8_000);
      device.arrive();
    }
  }
}

function takeFrom(links: ProxiedLink[]): ProxiedLink {
  const link = links.pop();
  if (!link) throw new Error('too few links');
  return link;
}
