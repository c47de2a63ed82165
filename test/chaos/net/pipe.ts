import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** The treatment of the bytes that pass in one direction. */
export interface Weather {
  /** If true, nothing passes, and neither side is told. */
  readonly isSilent: boolean;
  readonly latencyMs: number;
  /** Bytes leave in pieces of at most this size. */
  readonly sliceBytes: number;
}

export const FAIR: Weather = { isSilent: false, latencyMs: 0, sliceBytes: Infinity };

/** The most that is held back. Beyond it the sender has to wait, as with any full network buffer. */
const MAX_HELD_BYTES = 262_144;
/** The pause between two slices, so that they leave as packets of their own. */
const SLICE_PAUSE_MS = 1;

/** One direction of a connection, which carries bytes from one socket to the other. */
export class Pipe {
  private held: { readonly chunk: Buffer; readonly dueAtMs: number }[] = [];
  private heldBytes = 0;
  private isPumping = false;
  private isSilent = false;
  private hasEnded = false;
  private onTorn: (() => void) | undefined;

  constructor(
    private readonly from: Socket,
    private readonly to: Socket,
    private weather: Weather,
  ) {
    from.on('data', (chunk: Buffer) => this.take(chunk));
    from.on('end', () => this.end());
    to.on('drain', () => this.flow());
    this.changeTo(weather);
  }

  changeTo(weather: Weather): void {
    this.weather = weather;
    this.isSilent = weather.isSilent;
    if (this.isSilent) this.from.pause();
    else void this.pump().then(() => this.flow());
  }

  /** Lets half of the next chunk pass, and calls back; undefined takes that back. */
  tear(onTorn: (() => void) | undefined): void {
    this.onTorn = onTorn;
  }

  private take(chunk: Buffer): void {
    if (this.onTorn) return this.tearNow(chunk, this.onTorn);
    const { latencyMs, sliceBytes } = this.weather;
    const isPlain = latencyMs === 0 && chunk.length <= sliceBytes && this.held.length === 0 && !this.isSilent;
    if (isPlain) {
      if (!this.to.write(chunk)) this.from.pause();
      return;
    }
    this.held.push({ chunk, dueAtMs: performance.now() + latencyMs });
    this.heldBytes += chunk.length;
    if (this.heldBytes > MAX_HELD_BYTES) this.from.pause();
    void this.pump();
  }

  private tearNow(chunk: Buffer, onTorn: () => void): void {
    this.onTorn = undefined;
    this.from.pause();
    this.to.write(chunk.subarray(0, Math.ceil(chunk.length / 2)), () => onTorn());
  }

  private async pump(): Promise<void> {
    if (this.isPumping) return;
    this.isPumping = true;
    for (let next = this.held[0]; next && !this.isSilent && !this.to.destroyed; next = this.held[0]) {
      const waitMs = next.dueAtMs - performance.now();
      if (waitMs > 0) await delay(waitMs);
      if (this.isSilent) break;
      await this.writeSliced(next.chunk);
      this.held.shift();
      this.heldBytes -= next.chunk.length;
    }
    this.isPumping = false;
    this.flow();
  }

  /**
   * Writes all slices of a chunk, even if the direction falls silent meanwhile, because a slice that is sent twice
   * would be another fault than the one meant.
   */
  private async writeSliced(chunk: Buffer): Promise<void> {
    for (let from = 0; from < chunk.length && !this.to.destroyed;) {
      const size = Math.min(this.weather.sliceBytes, chunk.length - from);
      this.to.write(chunk.subarray(from, from + size));
      from += size;
      if (from < chunk.length) await delay(SLICE_PAUSE_MS);
    }
  }

  private flow(): void {
    if (this.hasEnded && this.held.length === 0 && !this.isSilent) this.to.end();
    if (!this.isSilent && this.heldBytes <= MAX_HELD_BYTES && !this.to.writableNeedDrain) this.from.resume();
  }

  private end(): void {
    this.hasEnded = true;
    this.flow();
  }
}
