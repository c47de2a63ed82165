import { Agent, request as httpRequest } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { signToken } from '#auth';
import { seeded, type Seeded } from '../../support/seeded.js';
import { JWT_SECRET } from '../../support/server.js';
import { Tally } from './tally.js';
import { LEFT, RawSocket, type RawSocketOptions } from './wire/raw-socket.js';

/** The address from which attackers connect. Some honest clients share it. */
export const ATTACKERS_ADDRESS = '127.0.0.2';
export const MALLORY = 'mallory';

const GRANTS = ['publish:user:*', 'publish:group:*', 'subscribe:group:*', 'join:group:*', 'presence:group:*'];
/** The wait before a refused act is tried again. */
const RETRY_MS = 10;
const READY_DEADLINE_MS = 5_000;

export interface AttackPlan {
  readonly attack: string;
  readonly url: string;
  readonly seed: number;
  readonly seconds: number;
}

interface Post {
  readonly method?: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

/**
 * The means of an attacker: its address, its token, its random choices, its time, and the tally of what it met so far.
 */
export class Lair {
  readonly tally = new Tally();
  readonly random: Seeded;
  readonly url: string;
  /** Resolves when the time is up. The process then ends, whatever is under way. */
  readonly over: Promise<void>;
  isOver = false;
  private readonly agent = new Agent({ keepAlive: true, localAddress: ATTACKERS_ADDRESS });

  constructor({ url, seed, seconds }: AttackPlan) {
    this.url = url;
    this.random = seeded(seed);
    this.over = delay(seconds * 1_000).then(() => void (this.isOver = true));
  }

  /** Waits until the attack is over, or until `what` has come. */
  async rest(what?: Promise<unknown>): Promise<void> {
    await (what ? Promise.race([this.over, what]) : this.over);
  }

  /**
   * Has this many repeat an act until the attack is over. The next act follows at once if the last one went well,
   * otherwise after a moment.
   */
  async besiege(atOnce: number, act: (index: number) => Promise<boolean>): Promise<void> {
    const besieger = async (_: unknown, index: number): Promise<void> => {
      while (!this.isOver) if (!(await act(index))) await delay(RETRY_MS);
    };
    await Promise.all(Array.from({ length: atOnce }, besieger));
  }

  /** Opens a transport that has not said who it is; undefined if it was refused. */
  async open(options: RawSocketOptions = {}): Promise<RawSocket | undefined> {
    const socket = await RawSocket.open(this.url, { localAddress: ATTACKERS_ADDRESS, ...options });
    if (socket.end !== undefined) {
      this.tally.countEnd(socket.end);
      return undefined;
    }
    void socket.ended.then((how) => {
      if (!this.isOver && how !== LEFT) this.tally.countEnd(how);
    });
    socket.onText = (text) => this.tally.countAnswer(text);
    return socket;
  }

  /** Connects with a valid token; undefined if the connection was not let in. */
  async enter(deviceId = 'lair', options: RawSocketOptions = {}): Promise<RawSocket | undefined> {
    const socket = await this.open(options);
    if (!socket) return undefined;
    socket.send(`40${JSON.stringify({ token: this.token(), deviceId })}`);
    return (await this.isLetIn(socket)) ? socket : undefined;
  }

  token(): string {
    return signToken(JWT_SECRET, { user: MALLORY, grants: GRANTS, ttlMs: 600_000 });
  }

  /**
   * Sends a request over HTTP.
   * @returns the status, or 0 if the connection broke
   */
  async post({ method = 'POST', path, headers, body }: Post): Promise<number> {
    const { hostname, port } = new URL(this.url);
    const status = await new Promise<number>((resolve) => {
      const request = httpRequest({ host: hostname, port, agent: this.agent, method, path, headers }, (response) => {
        resolve(response.statusCode ?? 0);
        response.on('error', () => undefined).resume();
        // The server answered before all of the body had been sent.
        if (!request.writableFinished) request.destroy();
      });
      request.on('error', () => resolve(0));
      request.end(body);
    });
    this.tally.count(status === 0 ? 'connection broken' : `HTTP ${status}`);
    return status;
  }

  private async isLetIn(socket: RawSocket): Promise<boolean> {
    let isReady = false;
    const said = new Promise<void>((resolve) => {
      socket.onText = (text) => {
        isReady ||= text.startsWith('42["ready"');
        if (text.startsWith('44')) this.tally.count(`refused ${/"code":(\d+)/.exec(text)?.[1] ?? ''}`);
        if (isReady || text.startsWith('44')) resolve();
      };
    });
    await Promise.race([said, socket.ended, delay(READY_DEADLINE_MS, undefined, { ref: false })]);
    socket.onText = (text) => this.tally.countAnswer(text);
    if (!isReady) socket.leave();
    return isReady;
  }
}
