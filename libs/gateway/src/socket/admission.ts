import type { Settings } from '#config';
import { networkOf, type ClusterConnections } from '#limits';
import { Fault, type FaultName } from '#protocol';

export type AdmissionLimits = Omit<Settings['admission'], 'trustedProxies'>;

/** A connection that asks for admission. */
export interface Entrant {
  readonly user: string;
  readonly address: string;
  /** Ends the connection, because a newer one takes its place. */
  displace(fault: Fault): void;
}

/** A refused client is to come back soon if the shortage passes by itself, later if it has to close something first. */
const SOON_MS = 1_000;
const LATER_MS = 10_000;

/**
 * Decides which connections may open. They are counted in memory, per instance, so on n instances a user may have up to
 * n times as many connections, unless there is a cap for all instances together, of which {@link ClusterConnections}
 * leases the part of this one.
 */
export class Admission {
  /**
   * The permits of each user and of each address, in the order in which they were given. They are kept only if there is
   * a cap, and as arrays, which for one permit take a fifth of the memory of a set.
   */
  private readonly users = new Map<string, Place[]>();
  private readonly addresses = new Map<string, Place[]>();
  private count = 0;
  private opening = 0;

  constructor(
    private readonly limits: AdmissionLimits,
    private readonly cluster: Pick<ClusterConnections, 'isOn' | 'shortage' | 'enter' | 'leave'>,
    /** Returns 0 ≤ x < 1, which spreads the times after which refused clients come back. */
    private readonly random: () => number = Math.random,
  ) {}

  /** Says why no connection may open at present, and when to come back. Undefined means that there is room. */
  shortage(): Fault | undefined {
    const { maxConnections, maxOpening } = this.limits;
    if (this.opening >= maxOpening) return this.refusal('OVERLOADED', SOON_MS, 'too many connections are opening');
    if (this.count < maxConnections) return this.cluster.shortage();
    return this.refusal('INSTANCE_FULL', SOON_MS, `${maxConnections} connections are open`);
  }

  /**
   * Gives a permit for one connection. The caller returns it with {@link Place.leave}, once or more often, and says
   * with {@link Place.opened} when the connection is open.
   * @throws Fault OVERLOADED, INSTANCE_FULL, USER_FULL, ADDRESS_FULL, each with the time to come back after
   */
  enter(entrant: Entrant): Place {
    const { maxPerUser, maxPerAddress } = this.limits;
    const shortage = this.shortage();
    if (shortage) throw shortage;
    this.makeRoom(this.users.get(entrant.user), maxPerUser, 'USER_FULL');
    this.makeRoom(this.addresses.get(networkOf(entrant.address)), maxPerAddress, 'ADDRESS_FULL');
    return this.take(entrant);
  }

  /**
   * Counts the connection against the caps of all instances together, too. Undefined means that there are none, so
   * there is nothing to wait for. The promise rejects with a Fault CLUSTER_FULL or USER_FULL.
   */
  enterCluster(place: Place): Promise<void> | undefined {
    if (!this.cluster.isOn) return undefined;
    const { user } = place.entrant;
    // If the connection has ended meanwhile, this leaves at once.
    return this.cluster.enter(user).then(() => place.onLeft(() => this.cluster.leave(user)));
  }

  /** To be called by the permit alone. */
  give(place: Place, what: 'opening' | 'place'): void {
    if (what === 'opening') this.opening -= 1;
    else {
      this.count -= 1;
      this.forget(place);
    }
  }

  private take(entrant: Entrant): Place {
    const place = new Place(this, entrant);
    this.count += 1;
    this.opening += 1;
    if (this.limits.maxPerUser > 0) add(this.users, entrant.user, place);
    if (this.limits.maxPerAddress > 0) add(this.addresses, networkOf(entrant.address), place);
    return place;
  }

  private forget(place: Place): void {
    remove(this.users, place.entrant.user, place);
    remove(this.addresses, networkOf(place.entrant.address), place);
  }

  private makeRoom(present: readonly Place[] | undefined, max: number, fault: FaultName): void {
    if (max === 0 || present === undefined || present.length < max) return;
    if (!this.limits.isOldestOut) throw this.refusal(fault, LATER_MS, `${max} connections are open`);
    // The end of the oldest connection may take a moment, so it stops counting now.
    const [oldest] = present;
    if (!oldest) return;
    this.forget(oldest);
    oldest.entrant.displace(new Fault('DISPLACED', `a newer connection came, and only ${max} may be open`));
  }

  private refusal(fault: FaultName, afterMs: number, message: string): Fault {
    return new Fault(fault, message, { retryAfterMs: Math.round(afterMs * (1 + 2 * this.random())) });
  }
}

/** The permit of one connection. It is returned once, however often {@link leave} is called. */
export class Place {
  private isOpening = true;
  private isLeft = false;
  private whenLeft: (() => void) | undefined;

  constructor(
    private readonly admission: Admission,
    readonly entrant: Entrant,
  ) {}

  /** Says that the connection is open, so it no longer counts among those that are opening. */
  opened(): void {
    if (!this.isOpening) return;
    this.isOpening = false;
    this.admission.give(this, 'opening');
  }

  leave(): void {
    this.opened();
    if (this.isLeft) return;
    this.isLeft = true;
    this.admission.give(this, 'place');
    this.whenLeft?.();
  }

  /** Calls `act` once: when the permit is returned, or now if it has been. */
  onLeft(act: () => void): void {
    if (this.isLeft) act();
    else this.whenLeft = act;
  }
}

function add(lists: Map<string, Place[]>, key: string, place: Place): void {
  const list = lists.get(key);
  if (list) list.push(place);
  else lists.set(key, [place]);
}

function remove(lists: Map<string, Place[]>, key: string, place: Place): void {
  const list = lists.get(key);
  const at = list?.indexOf(place) ?? -1;
  if (at >= 0) list?.splice(at, 1);
  if (list?.length === 0) lists.delete(key);
}
