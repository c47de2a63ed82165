/** A transport on which nobody has been let in yet. */
export class HalfOpenTransport {
  /** It has shown a good token, and waits for us: it is not ended for its silence. */
  isGuest = false;

  constructor(
    readonly address: string,
    readonly openedAtMs: number,
    /** Closes it. */
    readonly end: () => void,
  ) {}
}

export interface HalfOpenOptions {
  readonly max: number;
  /** How long a client may take to show a good token. */
  readonly timeoutMs: number;
  /** One was ended: its time was over, or it gave way to another. */
  readonly onEnded: (transport: HalfOpenTransport) => void;
}

/** An address does not give way to itself before this: in an honest storm all of them are young. */
const YOUNG_MS = 1_000;

/**
 * The transports on which nobody has been let in yet. There are only so many; when they run out, the address that holds
 * most of them gives one up, its oldest, so that an address that opens them and falls silent keeps out itself alone.
 */
export class HalfOpenTransports {
  /** Each set in the order in which they were opened. */
  private readonly addresses = new Map<string, Set<HalfOpenTransport>>();
  private count = 0;

  constructor(private readonly options: HalfOpenOptions) {}

  get size(): number {
    return this.count;
  }

  /** @returns undefined if there is no room: the address itself holds most of them, and all of its are young */
  open(address: string, nowMs: number, end: () => void): HalfOpenTransport | undefined {
    if (this.count >= this.options.max && !this.makeRoom(address, nowMs)) return undefined;
    const transport = new HalfOpenTransport(address, nowMs, end);
    const known = this.addresses.get(address);
    if (known) known.add(transport);
    else this.addresses.set(address, new Set([transport]));
    this.count += 1;
    return transport;
  }

  /** Somebody was let in on it, or it has closed. */
  forget(transport: HalfOpenTransport): void {
    const known = this.addresses.get(transport.address);
    if (!known?.delete(transport)) return;
    this.count -= 1;
    if (known.size === 0) this.addresses.delete(transport.address);
  }

  /** Ends those whose time is over. Its owner calls this a few times a second. */
  sweep(nowMs: number): void {
    for (const transports of this.addresses.values()) {
      for (const transport of transports) {
        if (nowMs - transport.openedAtMs < this.options.timeoutMs) break;
        if (!transport.isGuest) this.end(transport);
      }
    }
  }

  private makeRoom(newcomer: string, nowMs: number): boolean {
    const oldest = firstStranger(this.largest());
    if (!oldest || (oldest.address === newcomer && nowMs - oldest.openedAtMs < YOUNG_MS)) return false;
    this.end(oldest);
    return true;
  }

  /** By those who have shown nothing yet: guests are let in soon. */
  private largest(): ReadonlySet<HalfOpenTransport> {
    let largest: ReadonlySet<HalfOpenTransport> = new Set();
    let most = 0;
    for (const transports of this.addresses.values()) {
      const strangers = countStrangers(transports);
      if (strangers > most) [largest, most] = [transports, strangers];
    }
    return largest;
  }

  private end(transport: HalfOpenTransport): void {
    this.forget(transport);
    this.options.onEnded(transport);
    transport.end();
  }
}

function countStrangers(transports: ReadonlySet<HalfOpenTransport>): number {
  let count = 0;
  for (const { isGuest } of transports) if (!isGuest) count += 1;
  return count;
}

function firstStranger(transports: ReadonlySet<HalfOpenTransport>): HalfOpenTransport | undefined {
  for (const transport of transports) if (!transport.isGuest) return transport;
  return undefined;
}
