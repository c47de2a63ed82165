import { Fault, type FaultName } from '#protocol';

export interface AdmissionLimits {
  readonly maxConnections: number;
  /** On this instance; 0: any number. */
  readonly maxPerUser: number;
  /** On this instance; 0: any number. */
  readonly maxPerAddress: number;
  /** Connections that may be opening at once, or wait for it. */
  readonly maxOpening: number;
  /** At the cap of a user or an address the oldest connection goes, instead of the newest being refused. */
  readonly isOldestOut: boolean;
}

export interface Entrant {
  readonly user: string;
  readonly address: string;
  /** Gives way to a newer connection. */
  readonly displace: (fault: Fault) => void;
}

/** When to come back: soon for what passes by itself, later for who has to close something first. */
const SOON_MS = 1_000;
const LATER_MS = 10_000;

/**
 * Who may come in. Counted in memory, per instance: a cap across instances would cost a read for each handshake and
 * still be raced; behind n instances a user has up to n times as many connections.
 */
export class Admission {
  private readonly users = new Map<string, Set<Entrant>>();
  private readonly addresses = new Map<string, Set<Entrant>>();
  private count = 0;
  private opening = 0;

  constructor(
    private readonly limits: AdmissionLimits,
    /** 0 ≤ x < 1; spreads those who are told to come back. */
    private readonly random: () => number = Math.random,
  ) {}

  /**
   * Takes a place. The caller gives it back with what this returns, once or more often, and says with
   * {@link Place.opened} when the connection is open.
   * @throws Fault OVERLOADED, INSTANCE_FULL, USER_FULL, ADDRESS_FULL, each with the time to come back after
   */
  enter(entrant: Entrant): Place {
    const { maxConnections, maxPerUser, maxPerAddress, maxOpening } = this.limits;
    if (this.opening >= maxOpening) this.refuse('OVERLOADED', SOON_MS, 'too many connections are opening');
    if (this.count >= maxConnections) this.refuse('INSTANCE_FULL', SOON_MS, `${maxConnections} connections are open`);
    this.makeRoom(this.users.get(entrant.user), maxPerUser, 'USER_FULL');
    this.makeRoom(this.addresses.get(entrant.address), maxPerAddress, 'ADDRESS_FULL');
    return this.take(entrant);
  }

  private take(entrant: Entrant): Place {
    this.count += 1;
    this.opening += 1;
    add(this.users, entrant.user, entrant);
    add(this.addresses, entrant.address, entrant);
    let isOpening = true;
    let isLeft = false;
    const opened = (): void => {
      if (isOpening) this.opening -= 1;
      isOpening = false;
    };
    const leave = (): void => {
      opened();
      if (!isLeft) this.count -= 1;
      isLeft = true;
      remove(this.users, entrant.user, entrant);
      remove(this.addresses, entrant.address, entrant);
    };
    return { opened, leave };
  }

  private makeRoom(present: Set<Entrant> | undefined, max: number, fault: FaultName): void {
    if (max === 0 || present === undefined || present.size < max) return;
    if (!this.limits.isOldestOut) this.refuse(fault, LATER_MS, `${max} connections are open`);
    // In the order they came. Its end may take a moment, so it stops counting here.
    const [oldest] = present;
    if (!oldest) return;
    remove(this.users, oldest.user, oldest);
    remove(this.addresses, oldest.address, oldest);
    oldest.displace(new Fault('DISPLACED', `a newer connection came, and only ${max} may be open`));
  }

  private refuse(fault: FaultName, afterMs: number, message: string): never {
    throw new Fault(fault, message, { retryAfterMs: Math.round(afterMs * (1 + 2 * this.random())) });
  }
}

export interface Place {
  readonly opened: () => void;
  readonly leave: () => void;
}

function add(sets: Map<string, Set<Entrant>>, key: string, entrant: Entrant): void {
  const set = sets.get(key) ?? new Set();
  sets.set(key, set.add(entrant));
}

function remove(sets: Map<string, Set<Entrant>>, key: string, entrant: Entrant): void {
  const set = sets.get(key);
  set?.delete(entrant);
  if (set?.size === 0) sets.delete(key);
}
