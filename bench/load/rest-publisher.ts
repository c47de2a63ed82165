import { Agent, request } from 'node:http';
import { makeBody } from './body.js';
import { MESSAGE_TYPE } from './client.js';

export interface RestPlan {
  readonly url: string;
  readonly apiKey: string;
  /**
   * The users to whose inboxes the messages go. Nobody else writes there, and there are at least as many users as
   * requests under way.
   */
  readonly users: readonly string[];
  /** The number of requests under way. */
  readonly concurrency: number;
  /** The number of messages in each request; with 1 they are published singly. */
  readonly batch: number;
  readonly warmupSeconds: number;
  readonly seconds: number;
}

export interface RestResult {
  readonly perSecond: number;
  readonly published: number;
  /** Counts the messages that were answered with success, but without a seq of their own in the channel. */
  readonly lost: number;
}

interface Item {
  readonly ok: boolean;
  readonly channel: string;
  readonly seq: number;
}

/** Runs a closed loop of requests over kept-alive connections. */
export async function publishOverRest(plan: RestPlan): Promise<RestResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: plan.concurrency });
  const ledger = new SeqLedger();
  const measuresFrom = performance.now() + plan.warmupSeconds * 1_000;
  const endsAt = measuresFrom + plan.seconds * 1_000;
  let measured = 0;
  const lane = async (first: number): Promise<void> => {
    for (let turn = first; performance.now() < endsAt; turn += plan.concurrency) {
      const items = await post(plan, agent, bodyOf(plan, turn));
      for (const item of items) ledger.note(item);
      const now = performance.now();
      if (now >= measuresFrom && now < endsAt) measured += items.length;
    }
  };
  try {
    await Promise.all(Array.from({ length: plan.concurrency }, (_, index) => lane(index)));
  } finally {
    agent.destroy();
  }
  return { perSecond: measured / plan.seconds, published: ledger.answered, lost: ledger.lost };
}

function bodyOf({ users, batch }: RestPlan, turn: number): string {
  const message = (index: number) => ({
    channel: `user:${users[(turn * batch + index) % users.length]}`,
    type: MESSAGE_TYPE,
    data: makeBody(0, turn, 0),
  });
  if (batch === 1) return JSON.stringify(message(0));
  return JSON.stringify({ messages: Array.from({ length: batch }, (_, index) => message(index)) });
}

function post({ url, apiKey, batch }: RestPlan, agent: Agent, body: string): Promise<readonly Item[]> {
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    authorization: `Bearer ${apiKey}`,
  };
  return new Promise((resolve, reject) => {
    const sending = request(`${url}/v1/messages`, { method: 'POST', agent, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const answer = JSON.parse(text) as Item & { readonly results: readonly Item[] };
        const items = batch === 1 ? [answer] : answer.results;
        if (answer.ok && items.every(({ ok }) => ok)) resolve(items);
        else reject(new Error(`refused: ${text.slice(0, 300)}`));
      });
      response.on('error', reject);
    });
    sending.on('error', reject);
    sending.end(body);
  });
}

/**
 * Compares the answers with the seqs that they name. Seqs have no gaps and one thread alone writes to a channel, so
 * there must be as many seqs, from 1 on, as answers.
 */
class SeqLedger {
  answered = 0;
  private readonly seqs = new Map<string, Set<number>>();

  note({ channel, seq }: Item): void {
    this.answered += 1;
    const seqs = this.seqs.get(channel) ?? new Set();
    this.seqs.set(channel, seqs.add(seq));
  }

  get lost(): number {
    let places = 0;
    for (const seqs of this.seqs.values()) {
      for (let seq = 1; seq <= seqs.size; seq++) if (seqs.has(seq)) places += 1;
    }
    return this.answered - places;
  }
}
