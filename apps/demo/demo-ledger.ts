import { isDeepStrictEqual } from 'node:util';
import type { Message, Published } from '#protocol';
import type { Publication } from './replay-plan.js';

interface Totals {
  expected: number;
  received: number;
  lost: number;
  duplicated: number;
  foreign: number;
}

export interface Balance extends Readonly<Totals> {
  /** Counts the publishes that the server acknowledged. */
  readonly published: number;
  /**
   * Counts the publishes that the server never acknowledged. Whether they were stored is unknown, so nobody is expected
   * to receive them.
   */
  readonly unpublished: number;
  readonly outOfOrder: number;
  /**
   * Times from the publish call until the application of a user who was online at that time had the message. Sorted.
   */
  readonly latenciesMs: readonly number[];
  /** Describes the first few errors in words. */
  readonly examples: readonly string[];
}

/** A publication that was sent. `seq` is its place in the channel, once it is acknowledged. */
interface Entry {
  readonly publication: Publication;
  readonly sentAtMs: number;
  seq?: number;
}

interface Account {
  /** The user is a member of the group from behind this seq on. */
  joinedSeq: number;
  /** The messages that the application was handed, in that order. */
  readonly receipts: { readonly entry: Entry; readonly seq: number }[];
  readonly lastSeqs: Map<string, number>;
}

const EXAMPLES_MAX = 10;

/**
 * Keeps double-entry books of the replay: what the server acknowledged on one side, what each user's application was
 * handed on the other. Publications are told apart by channel and line, which travel in the message itself, so that a
 * publish stored twice shows although its two messages have different ids and seqs.
 */
export class DemoLedger {
  private readonly entries = new Map<string, Entry>();
  private readonly accounts = new Map<string, Account>();
  private readonly newest = new Map<string, number>();
  private readonly latenciesMs: number[] = [];
  private readonly examples: string[] = [];
  private outOfOrder = 0;
  private strangers = 0;
  /** Counts all messages handed to applications so far, wanted or not. */
  receipts = 0;

  constructor(private readonly group: string) {}

  sent(publication: Publication, atMs: number): void {
    this.entries.set(keyOf(publication.channel, publication.data.line), { publication, sentAtMs: atMs });
  }

  acknowledged(publication: Publication, { channel, seq }: Published): void {
    const entry = this.entries.get(keyOf(publication.channel, publication.data.line));
    if (entry) entry.seq = seq;
    this.newest.set(channel, Math.max(seq, this.newest.get(channel) ?? 0));
  }

  joined(user: string, seq: number): void {
    this.account(user).joinedSeq = seq;
  }

  /**
   * Books a message. `onlineSinceMs` is the time since which the log has this user here, and undefined while the user
   * only catches up.
   */
  received(user: string, message: Message, atMs: number, onlineSinceMs: number | undefined): void {
    this.receipts++;
    const account = this.account(user);
    this.checkOrder(user, account, message);
    const entry = this.entryOf(message);
    if (!entry) return this.foreign(user, message);
    account.receipts.push({ entry, seq: message.seq });
    if (onlineSinceMs !== undefined && onlineSinceMs <= entry.sentAtMs) this.latenciesMs.push(atMs - entry.sentAtMs);
  }

  /** The newest acknowledged seq of a channel. A user who has read up to it has everything. */
  newestSeq(channel: string): number {
    return this.newest.get(channel) ?? 0;
  }

  balance(): Balance {
    const total = { expected: 0, received: 0, lost: 0, duplicated: 0, foreign: this.strangers };
    const owedTo = this.owed();
    for (const [user, account] of this.accounts) this.audit(user, account, owedTo(user, account), total);
    const published = [...this.entries.values()].filter(({ seq }) => seq !== undefined).length;
    return {
      published,
      unpublished: this.entries.size - published,
      ...total,
      outOfOrder: this.outOfOrder,
      latenciesMs: this.latenciesMs.toSorted((a, b) => a - b),
      examples: this.examples,
    };
  }

  private audit(user: string, account: Account, owed: readonly Entry[], total: Totals): void {
    const seen = new Set<Entry>();
    for (const { entry, seq } of account.receipts) {
      if (!this.isAddressed(user, account, entry, seq)) total.foreign += this.wrong('foreign', user, entry);
      else if (seen.has(entry)) total.duplicated += this.wrong('duplicated', user, entry);
      else seen.add(entry);
    }
    for (const entry of owed) {
      if (seen.has(entry)) total.received++;
      else total.lost += this.wrong('lost', user, entry);
    }
    total.expected += owed.length;
  }

  /**
   * Computes what each user should receive of what was acknowledged: in the group all behind the seq of the join, in
   * the inbox everything.
   */
  private owed(): (user: string, account: Account) => Entry[] {
    const byChannel = new Map<string, Entry[]>();
    for (const entry of this.entries.values()) {
      if (entry.seq === undefined) continue;
      const { channel } = entry.publication;
      const entries = byChannel.get(channel);
      if (entries) entries.push(entry);
      else byChannel.set(channel, [entry]);
    }
    return (user, { joinedSeq }) => [
      ...(byChannel.get(this.group) ?? []).filter(({ seq = 0 }) => seq > joinedSeq),
      ...(byChannel.get(`user:${user}`) ?? []),
    ];
  }

  private isAddressed(user: string, account: Account, { publication }: Entry, seq: number): boolean {
    return publication.channel === this.group ? seq > account.joinedSeq : publication.channel === `user:${user}`;
  }

  private checkOrder(user: string, { lastSeqs }: Account, { channel, seq }: Message): void {
    const last = lastSeqs.get(channel) ?? 0;
    if (seq > last) return void lastSeqs.set(channel, seq);
    this.outOfOrder++;
    this.note(`out of order: ${user} got ${channel} #${seq} after #${last}`);
  }

  /** Finds the publication of a message; undefined if anything in the message differs from what was published. */
  private entryOf({ channel, type, sender, data }: Message): Entry | undefined {
    const line: unknown = typeof data === 'object' && data !== null && 'line' in data ? data['line'] : undefined;
    const entry = this.entries.get(keyOf(channel, line));
    if (!entry) return undefined;
    const { publication } = entry;
    const isSame =
      type === publication.type && sender === publication.user && isDeepStrictEqual(data, publication.data);
    return isSame ? entry : undefined;
  }

  private foreign(user: string, { channel, seq }: Message): void {
    this.strangers++;
    this.note(`foreign: ${user} got ${channel} #${seq}, which is not what was published there`);
  }

  private wrong(what: string, user: string, { publication, seq }: Entry): 1 {
    this.note(`${what}: ${user}, ${publication.channel} #${seq ?? '?'}, line ${publication.data.line}`);
    return 1;
  }

  private note(example: string): void {
    if (this.examples.length < EXAMPLES_MAX) this.examples.push(example);
  }

  private account(user: string): Account {
    let account = this.accounts.get(user);
    if (!account) {
      account = { joinedSeq: Infinity, receipts: [], lastSeqs: new Map() };
      this.accounts.set(user, account);
    }
    return account;
  }
}

function keyOf(channel: string, line: unknown): string {
  return `${channel} ${String(line)}`;
}
