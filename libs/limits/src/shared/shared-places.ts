import { PlaceShare, type SharedPlacesOptions } from './place-share.js';

/** Places per key, such as for connections, that all instances share. Never are more given out than there are. */
export class SharedPlaces {
  private readonly shares = new Map<string, PlaceShare>();

  constructor(
    private readonly options: SharedPlacesOptions,
    private readonly onRefused: () => void = () => undefined,
  ) {}

  get isOn(): boolean {
    return this.options.limit > 0;
  }

  /**
   * Takes a place.
   * @returns 0 if it was taken, otherwise the milliseconds after which to come back; a promise only if PostgreSQL has
   * to be asked for a place
   */
  enter(key: string): number | Promise<number> {
    const entered = this.of(key).enter();
    if (typeof entered === 'number') return this.count(entered);
    return entered.then((waitMs) => this.count(waitMs));
  }

  /** Gives back the place that {@link enter} took. */
  leave(key: string): void {
    this.shares.get(key)?.leave();
  }

  /** Answers like {@link enter}, but takes no place: 0 means that there may be one. */
  shortage(key: string): number {
    return this.count(this.shares.get(key)?.shortage() ?? 0);
  }

  tidy(): void {
    for (const [key, share] of this.shares) {
      share.tidy();
      if (share.isIdle) this.shares.delete(key);
    }
  }

  /** Called when PostgreSQL has lost the table. Writes down again the places that are in use. */
  rebuild(): void {
    for (const share of this.shares.values()) share.rebuild();
  }

  private count(waitMs: number): number {
    if (waitMs > 0) this.onRefused();
    return waitMs;
  }

  private of(key: string): PlaceShare {
    const known = this.shares.get(key);
    if (known) return known;
    const { name } = this.options;
    const share = new PlaceShare(key === '' ? name : `${name} ${key}`, this.options);
    this.shares.set(key, share);
    return share;
  }
}
