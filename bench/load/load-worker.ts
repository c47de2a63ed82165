import { setTimeout as delay } from 'node:timers/promises';
import type { Body } from './body.js';
import type { Client, ClientPlan } from './client.js';
import { startFlow, type Flow } from './flow.js';
import { LatencyHistogram } from './latency-histogram.js';
import type { CatchUpPlan, Checks, ConnectPlan, JoinPlan, Mark, Sent, TrafficPlan } from './plan.js';
import { Reception } from './reception.js';
import { publishOverRest, type RestPlan, type RestResult } from './rest-publisher.js';
import { SocketioClient } from './socketio-client.js';
import { Stream } from './stream.js';
import { TrunklineClient } from './trunkline-client.js';

/** A message on its way arrives within seconds. If none has arrived for this long, the missing ones are lost. */
const QUIET_MS = 5_000;
const SETTLE_DEADLINE_MS = 60_000;
const POLL_MS = 20;
const JOINS_AT_ONCE = 50;

/** One thread of the load generator: its clients, what they send, and what they receive. */
export class LoadWorker {
  private clients: Client[] = [];
  private readonly streams = new Map<number, Stream>();
  private receptions: Map<number, Reception>[] = [];
  private readonly latencies = new LatencyHistogram();
  private readonly answers = new LatencyHistogram();
  private flow: Flow | undefined;
  private delivered = 0;
  private lastDeliveryMs = 0;
  private refusal: string | undefined;

  /**
   * Connects the clients, whose tokens are signed before.
   * @returns milliseconds until the last client was ready
   */
  async connect(plan: ConnectPlan): Promise<number> {
    const makers = plan.clients.map((client) => maker(client, plan));
    const startedAt = performance.now();
    this.clients = await inTurn(makers, plan.concurrency, async (make) => {
      const client = make();
      await client.ready;
      return client;
    });
    return performance.now() - startedAt;
  }

  /** Publishes over REST for a while, without any clients. */
  publishOverRest(plan: RestPlan): Promise<RestResult> {
    return publishOverRest(plan);
  }

  async disconnect(): Promise<void> {
    for (const client of this.clients) client.close();
    this.clients = [];
  }

  /**
   * Connects, and waits until every client has received all that was published to it before.
   * @returns milliseconds from the first attempt to the last message
   */
  async catchUp({ connect, streams, each }: CatchUpPlan): Promise<number> {
    const makers = connect.clients.map((client) => maker(client, connect));
    this.receptions = streams.map((id) => new Map([[id, new Reception()]]));
    const startedAt = performance.now();
    await inTurn([...makers.entries()], connect.concurrency, async ([index, make]) => {
      const client = make();
      this.clients[index] = client;
      client.onMessage = (body) => this.take(this.receptions[index], body);
      await client.ready;
    });
    await this.settle(() => this.delivered >= streams.length * each);
    return (each === 0 ? performance.now() : this.lastDeliveryMs) - startedAt;
  }

  async join(joins: readonly JoinPlan[]): Promise<void> {
    await inTurn(joins, JOINS_AT_ONCE, ({ client, channel, as }) => this.client(client).join(channel, as));
  }

  async start({ streams, receives, flow }: TrafficPlan): Promise<void> {
    const receivers = new Map<number, number>();
    for (const id of receives.flat()) receivers.set(id, (receivers.get(id) ?? 0) + 1);
    this.receptions = receives.map((ids) => new Map(ids.map((id) => [id, new Reception()])));
    for (const { id, channel, from } of streams) {
      const onAnswer = (ms: number, refusal: string | undefined): void => this.answered(ms, refusal);
      this.streams.set(id, new Stream(id, channel, this.client(from), receivers.get(id) ?? 0, onAnswer));
    }
    this.clients.forEach((client, index) => {
      const receptions = this.receptions[index];
      client.onMessage = (body) => this.take(receptions, body);
    });
    this.flow = startFlow(flow, [...this.streams.values()]);
  }

  async mark(): Promise<Mark> {
    const { delivered, latencies, answers } = this;
    const mark = { atMs: performance.now(), delivered, latencies: latencies.encode(), answers: answers.encode() };
    latencies.reset();
    answers.reset();
    return mark;
  }

  /** Ends publishing. The promise resolves once every publish has been answered. */
  async stop(): Promise<Sent> {
    this.flow?.stop();
    const streams = [...this.streams.values()];
    await this.settle(() => streams.every((stream) => stream.isSettled));
    return streams.map(({ id, sent, refused }) => ({ id, sent, refused }));
  }

  /** Waits for what is still on its way, from whichever thread, and accounts for all messages. */
  async check(sent: Sent): Promise<Checks> {
    const byId = new Map(sent.map((stream) => [stream.id, stream]));
    const receptions = this.receptions.flatMap((map) => [...map]);
    const lost = (): number =>
      receptions.reduce((sum, [id, reception]) => {
        const { sent: count, refused } = byId.get(id) ?? { sent: 0, refused: [] };
        return sum + reception.lost(count, refused);
      }, 0);
    await this.settle(() => lost() === 0);
    const total = (key: 'duplicated' | 'disordered' | 'received'): number =>
      receptions.reduce((sum, [, reception]) => sum + reception[key], 0);
    const missing = lost();
    return {
      expected: total('received') + missing,
      lost: missing,
      duplicated: total('duplicated'),
      disordered: total('disordered'),
      refused: [...this.streams.values()].reduce((sum, { refused }) => sum + refused.length, 0),
      ...(this.refusal === undefined ? {} : { reason: this.refusal }),
    };
  }

  private take(receptions: Map<number, Reception> | undefined, body: Body): void {
    const now = performance.now();
    this.lastDeliveryMs = now;
    const reception = receptions?.get(body.stream);
    if (!reception) throw new Error(`stream ${body.stream} came to somebody it is not for`);
    if (!reception.take(body.n)) return;
    this.delivered += 1;
    // The stream of another thread has another clock, so its latencies cannot be measured here.
    const stream = this.streams.get(body.stream);
    if (!stream) return;
    this.latencies.record(now - body.at);
    stream.delivered(body);
  }

  private answered(ms: number, refusal: string | undefined): void {
    if (refusal === undefined) this.answers.record(ms);
    else this.refusal = refusal;
  }

  private async settle(isDone: () => boolean): Promise<void> {
    const startedAt = performance.now();
    while (!isDone()) {
      const now = performance.now();
      if (now - Math.max(this.lastDeliveryMs, startedAt) > QUIET_MS || now - startedAt > SETTLE_DEADLINE_MS) return;
      await delay(POLL_MS);
    }
  }

  private client(index: number): Client {
    const client = this.clients[index];
    if (!client) throw new Error(`there is no client ${index}`);
    return client;
  }
}

function maker(client: ClientPlan, { wire, secret, usesPublishIds }: ConnectPlan): () => Client {
  if (wire === 'socketio') return () => new SocketioClient(client);
  const token = TrunklineClient.sign(secret, client.user);
  return () => new TrunklineClient(client, token, usesPublishIds);
}

/** Does the work for all items, `atOnce` of them at a time. Each result has the index of its item. */
async function inTurn<Item, Result>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++) results[index] = await work(items[index] as Item);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, lane));
  return results;
}
