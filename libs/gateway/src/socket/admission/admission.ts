import type { Settings } from '#config';
import { networkOf, type ClusterConnections } from '#limits';
import { ProtocolError, type ErrorName } from '#protocol';

export type AdmissionLimits = Omit<Settings['admission'], 'trustedProxies'>;

/** A connection that asks for admission. */
export interface AdmissionCandidate {
  readonly user: string;
  readonly address: string;
  /** Ends the connection, because a newer one takes its place. */
  displace(error: ProtocolError): void;
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
  private readonly users = new Map<string, Permit[]>();
  private readonly addresses = new Map<string, Permit[]>();
  private count = 0;
  private opening = 0;

  constructor(
    private readonly limits: AdmissionLimits,
    private readonly cluster: Pick<ClusterConnections, 'isOn' | 'shortage' | 'enter' | 'leave'>,
    /** Returns 0 ≤ x < 1, which spreads the times after which refused clients come back. */
    private readonly random: () => number = Math.random,
  ) {}

  /** Says why no connection may open at present, and when to come back. Undefined means that there is room. */
  shortage(): ProtocolError | undefined {
    const { maxConnections, maxOpening } = this.limits;
    if (this.opening >= maxOpening) return this.refusal('OVERLOADED', SOON_MS, 'too many connections are opening');
    if (this.count < maxConnections) return this.cluster.shortage();
    return this.refusal('INSTANCE_FULL', SOON_MS, `${maxConnections} connections are open`);
  }

  /**
   * Gives a permit for one connection. The caller returns it with {@link Permit.leave}, once or more often, and says
   * with {@link Permit.opened} when the connection is open.
   * @throws ProtocolError OVERLOADED, INSTANCE_FULL, USER_FULL, ADDRESS_FULL, each with the time to come back after
   */
  enter(candidate: AdmissionCandidate): Permit {
    const { maxPerUser, maxPerAddress } = this.limits;
    const shortage = this.shortage();
    if (shortage) throw shortage;
    this.makeRoom(this.users.get(candidate.user), maxPerUser, 'USER_FULL');
    this.makeRoom(this.addresses.get(networkOf(candidate.address)), maxPerAddress, 'ADDRESS_FULL');
    return this.take(candidate);
  }

  /**
   * Counts the connection against the caps of all instances together, too. Undefined means that there are none, so
   * there is nothing to wait for. The promise rejects with a ProtocolError CLUSTER_FULL or USER_FULL.
   */
  enterCluster(permit: Permit): Promise<void> | undefined {
    if (!this.cluster.isOn) return undefined;
    const { user } = permit.candidate;
    // If the connection has ended meanwhile, this leaves at once.
    return this.cluster.enter(user).then(() => permit.onLeft(() => this.cluster.leave(user)));
  }

  /** To be called by the permit alone. */
  give(permit: Permit, what: 'opening' | 'permit'): void {
    if (what === 'opening') this.opening -= 1;
    else {
      this.count -= 1;
      this.forget(permit);
    }
  }

  private take(candidate: AdmissionCandidate): Permit {
    const permit = new Permit(this, candidate);
    this.count += 1;
    this.opening += 1;
    if (this.limits.maxPerUser > 0) add(this.users, candidate.user, permit);
    if (this.limits.maxPerAddress > 0) add(this.addresses, networkOf(candidate.address), permit);
    return permit;
  }

  private forget(permit: Permit): void {
    remove(this.users, permit.candidate.user, permit);
    remove(this.addresses, networkOf(permit.candidate.address), permit);
  }

  private makeRoom(present: readonly Permit[] | undefined, max: number, errorName: ErrorName): void {
    if (max === 0 || present === undefined || present.length < max) return;
    if (!this.limits.isOldestOut) throw this.refusal(errorName, LATER_MS, `${max} connections are open`);
    // The end of the oldest connection may take a moment, so it stops counting now.
    const [oldest] = present;
    if (!oldest) return;
    this.forget(oldest);
    oldest.candidate.displace(new ProtocolError('DISPLACED', `a newer connection came, and only ${max} may be open`));
  }

  private refusal(errorName: ErrorName, afterMs: number, message: string): ProtocolError {
    return new ProtocolError(errorName, message, { retryAfterMs: Math.round(afterMs * (1 + 2 * this.random())) });
  }
}

/** The permit of one connection. It is returned once, however often {@link leave} is called. */
export class Permit {
  private isOpening = true;
  private isLeft = false;
  private whenLeft: (() => void) | undefined;

  constructor(
    private readonly admission: Admission,
    readonly candidate: AdmissionCandidate,
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
    this.admission.give(this, 'permit');
    this.whenLeft?.();
  }

  /** Calls `act` once: when the permit is returned, or now if it has been. */
  onLeft(act: () => void): void {
    if (this.isLeft) act();
    else this.whenLeft = act;
  }
}

function add(lists: Map<string, Permit[]>, key: string, permit: Permit): void {
  const list = lists.get(key);
  if (list) list.push(permit);
  else lists.set(key, [permit]);
}

function remove(lists: Map<string, Permit[]>, key: string, permit: Permit): void {
  const list = lists.get(key);
  const at = list?.indexOf(permit) ?? -1;
  if (at >= 0) list?.splice(at, 1);
  if (list?.length === 0) lists.delete(key);
}
