import { Agent, get } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

const TURN_MS = 5;
const SOCKETS = 20;

/** Sends probes of an instance's health at a rate, as many orchestrators and load balancers would. */
export class ProbeHail {
  sent = 0;
  /** Counts the answers by path and status, e.g. `/health/ready 200`. */
  readonly answers = new Map<string, number>();
  slowestMs = 0;
  private readonly agent = new Agent({ keepAlive: true, maxSockets: SOCKETS });

  constructor(
    private readonly url: string,
    private readonly paths: readonly string[],
  ) {}

  /** Resolves when every probe is answered. */
  async run(perSecond: number, seconds: number): Promise<void> {
    const startedAt = performance.now();
    const underWay: Promise<void>[] = [];
    while (this.sent < perSecond * seconds) {
      const due = Math.min(((performance.now() - startedAt) / 1_000) * perSecond, perSecond * seconds);
      while (this.sent < due) underWay.push(this.probe(this.paths[this.sent++ % this.paths.length] ?? ''));
      await delay(TURN_MS);
    }
    await Promise.all(underWay);
    this.agent.destroy();
  }

  private async probe(path: string): Promise<void> {
    const askedAt = performance.now();
    const status = await statusOf(`${this.url}${path}`, this.agent);
    this.slowestMs = Math.max(this.slowestMs, performance.now() - askedAt);
    const answer = `${path} ${status}`;
    this.answers.set(answer, (this.answers.get(answer) ?? 0) + 1);
  }
}

/**
 * Sends one request.
 * @returns the status, or 0 if there was no answer
 */
export function statusOf(url: string, agent?: Agent): Promise<number> {
  return new Promise((resolve) => {
    const request = get(url, agent ? { agent } : {}, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
    });
    request.on('error', () => resolve(0));
  });
}
