import type { Socket } from 'node:net';
import { Pipe, type Weather } from './pipe.js';
import { resetSocket } from './reset-socket.js';

export interface WeatherPair {
  /** From the client to the server. */
  readonly up: Weather;
  readonly down: Weather;
}

/** One connection through a proxy: the client's socket, ours to the server, and both directions between them. */
export class Link {
  /** When the server's side was closed, by performance.now(); until then the server may believe in it. */
  farClosedAtMs: number | undefined;
  private readonly up: Pipe;
  private readonly down: Pipe;
  private hasVanished = false;

  constructor(
    private readonly near: Socket,
    private readonly far: Socket,
    weather: WeatherPair,
    onClosed: () => void,
  ) {
    this.up = new Pipe(near, far, weather.up);
    this.down = new Pipe(far, near, weather.down);
    // Whoever uses the connection hears of an error through its end.
    near.on('error', () => undefined);
    far.on('error', () => undefined);
    near.on('close', () => {
      if (!this.hasVanished) far.destroy();
    });
    far.on('close', () => {
      this.farClosedAtMs = performance.now();
      near.destroy();
      onClosed();
    });
  }

  get isFarOpen(): boolean {
    return this.farClosedAtMs === undefined;
  }

  /** The client's side ends and the server is not told: half-open, until the server finds out. */
  vanish(): void {
    this.hasVanished = true;
    this.far.removeAllListeners('data').on('data', () => undefined);
    this.far.once('end', () => this.far.destroy()).resume();
    resetSocket(this.near);
  }

  changeTo({ up, down }: WeatherPair): void {
    this.up.changeTo(up);
    this.down.changeTo(down);
  }

  /** Both sides get a RST. */
  reset(): void {
    resetSocket(this.near);
    resetSocket(this.far);
  }

  /** The server gets half of what the client sends next, or the client of what the server sends, and both a RST. */
  resetMidFrame(direction: 'up' | 'down'): void {
    this[direction].tear(() => this.reset());
  }

  /** Takes {@link resetMidFrame} back, if nothing has come since. */
  spare(): void {
    this.up.tear(undefined);
    this.down.tear(undefined);
  }

  /** The server is told that nothing more comes, while it may go on sending. */
  halfClose(): void {
    this.far.end();
  }
}
