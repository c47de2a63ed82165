import type { Socket } from 'node:net';
import { Pipe, type Weather } from './pipe.js';
import { resetSocket } from './reset-socket.js';

export interface WeatherPair {
  /** The direction from the client to the server. */
  readonly up: Weather;
  readonly down: Weather;
}

/**
 * One connection through a proxy: the client's socket, the proxy's socket to the server, and both directions between
 * them.
 */
export class ProxiedConnection {
  /**
   * When the server's side was closed, by performance.now(). Until then the server may take the connection for open.
   */
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
    // The user of the connection learns of an error by its end.
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

  /** Ends the client's side without telling the server: the connection is half-open until the server finds out. */
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

  /** Sends a RST to both sides. */
  reset(): void {
    resetSocket(this.near);
    resetSocket(this.far);
  }

  /** Passes on half of what the client (`up`) or the server (`down`) sends next, and sends a RST to both sides. */
  resetMidFrame(direction: 'up' | 'down'): void {
    this[direction].tear(() => this.reset());
  }

  /** Takes {@link resetMidFrame} back, if nothing has come since. */
  spare(): void {
    this.up.tear(undefined);
    this.down.tear(undefined);
  }

  /** Tells the server that nothing more comes; it may go on sending. */
  halfClose(): void {
    this.far.end();
  }
}
