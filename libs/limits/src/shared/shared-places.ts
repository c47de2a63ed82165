import { PlaceShare, type SharedPlacesOptions } from './place-share.js';

/** Places of which all instances together have so many, for each key by itself. No more are ever given out than there are. */
export class SharedPlaces {
  private readonly shares = new Map<string, PlaceShare>();

  constructor(
    private readonly options: SharedPlacesOptions,
    private readonly onRefused: () => void = () => undefined,
  ) {}

  get isOn(): boolean {
    return this.options.limit > 0;
  }

  /** Takes one. @returns 0 if it was taken, else the milliseconds after which to come again; a promise while it is leased */
  enter(key: string): number | Promise<number> {
    const entered = this.of(key).enter();
    if (typeof entered === 'number') return this.count(entered);
    return entered.then((waitMs) => this.count(waitMs));
  }

  /** Gives back what {@link enter} took. */
  leave(key: string): void {
    this.shares.get(key)?.leave();
  }

  /** As {@link enter}, without taking any: 0 unless it is known that there is none. */
  shortage(key: string): number {
    return this.count(this.shares.get(key)?.shortage() ?? 0);
  }

  tidy(): void {
    for (const [key, share] of this.shares) {
      share.tidy();
      if (share.isIdle) this.shares.delete(key);
    }
  }

  /** PostgreSQL has lost the table: writes down again what is in use. */
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
