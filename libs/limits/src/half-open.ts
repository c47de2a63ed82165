/** A transport, such as a WebSocket, whose client has not been let in yet. */
export class HalfOpenTransport {
  /** True once the client has shown a good token. It then waits for the server, so it is not ended for its silence. */
  hasGoodToken = false;

  constructor(
    readonly address: string,
    readonly openedAtMs: number,
    /** Closes the transport. */
    readonly end: () => void,
  ) {}
}

export interface HalfOpenOptions {
  readonly max: number;
  /** How long a client may take to show a good token. */
  readonly timeoutMs: number;
  /** Called when a transport was ended, because its time was over or because it gave way to another. */
  readonly onEnded: (transport: HalfOpenTransport) => void;
}

/** An address replaces a transport of its own only if it is this old: in a storm of honest clients all are younger. */
const YOUNG_MS = 1_000;

/**
 * The transports whose clients have not been let in yet. Their number is limited. At the limit, the address that holds
 * most of them loses its oldest one, so an address that opens transports and falls silent keeps out only itself.
 */
export class HalfOpenTransports {
  /** The transports of each address, in the order in which they were opened. */
  private readonly addresses = new Map<string, Set<HalfOpenTransport>>();
  private count = 0;

  constructor(private readonly options: HalfOpenOptions) {}

  get size(): number {
    return this.count;
  }

  /**
   * @returns undefined if there is no room: either every client has shown a good token, or the address itself holds
   * most of the other transports and all of its are young
   */
  open(address: string, nowMs: number, end: () => void): HalfOpenTransport | undefined {
    if (this.count >= this.options.max && !this.makeRoom(address, nowMs)) return undefined;
    const transport = new HalfOpenTransport(address, nowMs, end);
    const known = this.addresses.get(address);
    if (known) known.add(transport);
    else this.addresses.set(address, new Set([transport]));
    this.count += 1;
    return transport;
  }

  /** Stops counting a transport, because its client was let in or because it has closed. */
  forget(transport: HalfOpenTransport): void {
    const known = this.addresses.get(transport.address);
    if (!known?.delete(transport)) return;
    this.count -= 1;
    if (known.size === 0) this.addresses.delete(transport.address);
  }

  /** Ends the transports whose clients have shown no good token in time. The owner calls this a few times a second. */
  sweep(nowMs: number): void {
    for (const transports of this.addresses.values()) {
      for (const transport of transports) {
        if (nowMs - transport.openedAtMs < this.options.timeoutMs) break;
        if (!transport.hasGoodToken) this.end(transport);
      }
    }
  }

  private makeRoom(newcomer: string, nowMs: number): boolean {
    const oldest = firstStranger(this.largest());
    if (!oldest || (oldest.address === newcomer && nowMs - oldest.openedAtMs < YOUNG_MS)) return false;
    this.end(oldest);
    return true;
  }

  /** Returns the transports of the address with most of them. Those with a good token, soon let in, do not count. */
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
  for (const { hasGoodToken } of transports) if (!hasGoodToken) count += 1;
  return count;
}

function firstStranger(transports: ReadonlySet<HalfOpenTransport>): HalfOpenTransport | undefined {
  for (const transport of transports) if (!transport.hasGoodToken) return transport;
  return undefined;
}
