import type { HistoryEvent } from '../history/event.js';

export interface Attempt {
  readonly invokedAt: number;
  answeredAt: number | undefined;
  outcome: 'ok' | 'refused' | 'unknown' | undefined;
  isRepeated: boolean;
}

/** One publish that was wanted, with all attempts at it. */
export interface Publish {
  readonly n: number;
  readonly publisher: string;
  /** The instance of the first attempt. */
  readonly via: string;
  readonly channel: string;
  readonly hash: string;
  readonly ttlMs: number | undefined;
  readonly attempts: Attempt[];
  readonly firstInvokedAt: number;
  /** When the first `ok` came. */
  okAt: number | undefined;
  /** Every seq that the answers named; more than one is a fault. */
  readonly seqs: Set<number>;
  readonly ids: Set<string>;
}

const MAX_EXAMPLES = 5;

/** Records every publish that was ever tried. */
export class PublishBook {
  readonly all = new Map<number, Publish>();
  private readonly refusals = new Map<number, number[]>();

  take(event: HistoryEvent): void {
    if (event.event === 'invoke') this.invoke(event);
    else if (event.event === 'ok' || event.event === 'refused' || event.event === 'unknown') this.answer(event);
  }

  /** Describes valid publishes that were refused as not retryable. */
  get refusedForGood(): string[] {
    return [...this.refusals].map(
      ([code, numbers]) => `code ${code}, ${numbers.length} ×, as publish ${numbers.slice(0, MAX_EXAMPLES).join(', ')}`,
    );
  }

  get attempted(): number {
    return this.all.size;
  }

  count(isCounted: (publish: Publish) => boolean): number {
    let count = 0;
    for (const publish of this.all.values()) if (isCounted(publish)) count += 1;
    return count;
  }

  private invoke(event: HistoryEvent & { event: 'invoke' }): void {
    const { n, at, publisher, via, channel, hash, ttlMs } = event;
    const attempt: Attempt = { invokedAt: at, answeredAt: undefined, outcome: undefined, isRepeated: false };
    const known = this.all.get(n);
    if (known) known.attempts.push(attempt);
    else {
      this.all.set(n, {
        ...{ n, publisher, via, channel, hash, ttlMs, attempts: [attempt], firstInvokedAt: at },
        ...{ okAt: undefined, seqs: new Set<number>(), ids: new Set<string>() },
      });
    }
  }

  private answer(event: HistoryEvent & { event: 'ok' | 'refused' | 'unknown' }): void {
    const publish = this.all.get(event.n);
    const attempt = publish?.attempts[event.attempt - 1];
    if (!publish || !attempt) throw new Error(`answer to a publish never invoked: ${JSON.stringify(event)}`);
    attempt.outcome = event.event;
    attempt.answeredAt = event.at;
    if (event.event === 'refused' && !event.isRetryable)
      this.refusals.set(event.code, [...(this.refusals.get(event.code) ?? []), event.n]);
    if (event.event !== 'ok') return;
    attempt.isRepeated = event.isRepeated;
    publish.okAt ??= event.at;
    if (event.seq !== undefined) publish.seqs.add(event.seq);
    if (event.id !== undefined) publish.ids.add(event.id);
  }
}

export function isAcknowledged(publish: Publish): boolean {
  return publish.okAt !== undefined;
}

/** True if every attempt was answered with a refusal. Such a publish must not be stored. */
export function isRefused({ attempts }: Publish): boolean {
  return attempts.every(({ outcome }) => outcome === 'refused');
}

export function isUnknown(publish: Publish): boolean {
  return publish.attempts.some(({ outcome }) => outcome === 'unknown');
}
