import fc from 'fast-check';
import type { Message } from '#protocol';
import { DemoLedger } from './demo-ledger.js';
import type { Publication } from './replay-plan.js';

const GROUP = 'group:ubuntu';

function said(line: number, channel = GROUP): Publication {
  return {
    user: 'speaker',
    channel,
    type: channel === GROUP ? 'chat' : 'mention',
    data: { line, text: `text ${line}` },
  };
}

function messageOf({ user, channel, type, data }: Publication, seq: number): Message {
  const createdAt = '2006-06-01T11:22:00.000Z';
  return { channel, seq, id: crypto.randomUUID(), sender: user, type, data: { ...data }, createdAt };
}

/**
 * Makes a ledger with `count` acknowledged lines in the group, line n as seq n, and members who joined before all of
 * them.
 */
function ledgerWith(count: number, ...members: string[]): DemoLedger {
  const ledger = new DemoLedger(GROUP);
  for (const member of members) ledger.joined(member, 0);
  for (let line = 1; line <= count; line++) publish(ledger, said(line), line);
  return ledger;
}

function publish(ledger: DemoLedger, publication: Publication, seq: number): void {
  ledger.sent(publication, 1_000);
  const { channel } = publication;
  ledger.acknowledged(publication, { id: crypto.randomUUID(), channel, seq, createdAt: '2006-06-01T11:22:00.000Z' });
}

const receive = (ledger: DemoLedger, user: string, message: Message): void =>
  ledger.received(user, message, 1_030, 900);

describe('Ledger', () => {
  it('balances when every member got everything once', () => {
    const ledger = ledgerWith(2, 'a', 'b');
    for (const user of ['a', 'b']) for (const line of [1, 2]) receive(ledger, user, messageOf(said(line), line));
    expect(ledger.balance()).toMatchObject({ published: 2, expected: 4, received: 4, lost: 0, duplicated: 0 });
    expect(ledger.balance()).toMatchObject({ outOfOrder: 0, foreign: 0, unpublished: 0, examples: [] });
  });

  it('expects of the group only what came after the join, and of the inbox everything', () => {
    const ledger = ledgerWith(3);
    ledger.joined('late', 2);
    ledger.joined('speaker', 0);
    publish(ledger, said(4, 'user:late'), 1);
    expect(ledger.balance()).toMatchObject({ expected: 2 + 3, lost: 5 });
  });

  it('takes for foreign what is not for this user, was never published, or is not as it was published', () => {
    const ledger = ledgerWith(3, 'a');
    ledger.joined('late', 1);
    publish(ledger, said(4, 'user:a'), 1);
    receive(ledger, 'late', messageOf(said(1), 1));
    receive(ledger, 'late', messageOf(said(4, 'user:a'), 1));
    receive(ledger, 'a', messageOf(said(9), 1));
    receive(ledger, 'a', { ...messageOf(said(2), 2), data: { line: 2, text: 'else' } });
    receive(ledger, 'a', { ...messageOf(said(3), 3), sender: 'mallory' });
    receive(ledger, 'a', { ...messageOf(said(3), 4), data: null });
    expect(ledger.balance()).toMatchObject({ foreign: 6, received: 0 });
  });

  it('sees a publish that was stored twice, under another seq', () => {
    const ledger = ledgerWith(1, 'a');
    for (const seq of [1, 2]) receive(ledger, 'a', messageOf(said(1), seq));
    expect(ledger.balance()).toMatchObject({ received: 1, duplicated: 1, foreign: 0 });
  });

  it('sees a seq that does not grow', () => {
    const ledger = ledgerWith(2, 'a');
    for (const line of [2, 1]) receive(ledger, 'a', messageOf(said(line), line));
    expect(ledger.balance()).toMatchObject({ received: 2, outOfOrder: 1 });
  });

  it('expects nothing of a publish without an answer, and does not mind if it was stored', () => {
    const ledger = ledgerWith(0, 'a');
    ledger.sent(said(1), 1_000);
    receive(ledger, 'a', messageOf(said(1), 1));
    expect(ledger.balance()).toMatchObject({ published: 0, unpublished: 1, expected: 0, lost: 0, foreign: 0 });
  });

  it('measures the latency only for those here since before the publish', () => {
    const ledger = ledgerWith(1, 'here', 'new', 'away');
    ledger.received('here', messageOf(said(1), 1), 1_030, 900);
    ledger.received('new', messageOf(said(1), 1), 1_030, 1_010);
    ledger.received('away', messageOf(said(1), 1), 1_030, undefined);
    expect(ledger.balance().latenciesMs).toEqual([30]);
  });

  it('counts exactly what a faulty server dropped and repeated', () => {
    const copies = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(copies, (copiesOfLine) => {
        const ledger = ledgerWith(copiesOfLine.length, 'a');
        for (const [index, count] of copiesOfLine.entries()) {
          for (let copy = 0; copy < count; copy++) receive(ledger, 'a', messageOf(said(index + 1), index + 1));
        }
        const { lost, duplicated, received, expected } = ledger.balance();
        expect(lost).toBe(copiesOfLine.filter((count) => count === 0).length);
        expect(duplicated).toBe(copiesOfLine.reduce((sum, count) => sum + Math.max(0, count - 1), 0));
        expect(received + lost).toBe(expected);
      }),
    );
  });
});
