import fc from 'fast-check';
import { toPage, type ChannelPage, type PageRequest } from './channel-page.js';
import type { ReadRow } from './sql/read-channels.sql.js';

const request: PageRequest = { channel: 'a', fromSeq: 10, since: undefined, epoch: 0 };

describe('toPage', () => {
  it('is no page without rows: there is nothing new', () => {
    expect(toPage(request, [])).toBeUndefined();
  });

  it('gives messages that follow each other as they are', () => {
    const page = toPage(request, rows(12, [11, 12]));
    expect(run(page)).toEqual(['11', '12']);
    expect(page).toMatchObject({ seq: 12, lastSeq: 12 });
  });

  it('says which range is gone, before and between', () => {
    expect(run(toPage(request, rows(20, [13, 14, 18])))).toEqual(['11-12 removed', '13', '14', '15-17 removed', '18']);
  });

  it('puts an expired message and its neighbours into one gap, and keeps it apart from what was removed', () => {
    const page = toPage(request, rows(20, [13, 14], [12, 15]));
    expect(run(page)).toEqual(['11-11 removed', '12-12 expired', '13', '14', '15-15 expired']);
    expect(run(toPage(request, rows(20, [14], [11, 12, 13])))).toEqual(['11-13 expired', '14']);
  });

  it('makes one gap up to the end when nothing is left behind the position', () => {
    const page = toPage(request, [row(20, null)]);
    expect(run(page)).toEqual(['11-20 removed']);
    expect(page?.seq).toBe(20);
  });

  it('says nothing about what lies behind a page that has messages: the next page will', () => {
    const page = toPage(request, rows(20, [11, 12]));
    expect(run(page)).toEqual(['11', '12']);
    expect(page).toMatchObject({ seq: 12, lastSeq: 20 });
  });

  it('brings news of memberships without a message', () => {
    const page = toPage(request, [{ ...row(10, null), epoch: 3 }]);
    expect(page).toMatchObject({ entries: [], seq: 10, epoch: 3 });
    expect(toPage({ ...request, fromSeq: Number.MAX_SAFE_INTEGER }, [row(10, null)])).toMatchObject({ entries: [] });
  });

  it('accounts for every seq from the position to its own, whatever is missing or expired', () => {
    const seqs = fc.uniqueArray(fc.integer({ min: 11, max: 40 }), { maxLength: 30 });
    const lastSeqs = fc.integer({ min: 40, max: 50 });
    fc.assert(
      fc.property(
        seqs,
        fc.array(fc.boolean(), { minLength: 30, maxLength: 30 }),
        lastSeqs,
        (all, expiries, lastSeq) => {
          const expired = all.filter((_, index) => expiries[index]);
          const left = all.filter((_, index) => !expiries[index]);
          const page = toPage(request, all.length > 0 ? rows(lastSeq, left, expired) : [row(lastSeq, null)]);
          let next = 11;
          for (const entry of page?.entries ?? []) {
            expect(entry.kind === 'gap' ? entry.fromSeq : entry.seq).toBe(next);
            next = entry.seq + 1;
          }
          expect(page?.seq).toBe(next - 1);
          expect(messageSeqs(page)).toEqual([...left].sort((a, b) => a - b));
        },
      ),
    );
  });

  it('encodes what was stored, the body as it stands', () => {
    const stored = { ...row(11, 11), body: '{"a":["é"]}', metadata: '{"k":"v"}', expires_at: new Date(5_000) };
    const [entry] = toPage(request, [stored])?.entries ?? [];
    if (entry?.kind !== 'message') throw new Error('no message');
    expect(entry.stored.expiresAtMs).toBe(5_000);
    expect(JSON.parse(entry.stored.json)).toMatchObject({
      channel: 'a',
      seq: 11,
      data: { a: ['é'] },
      metadata: { k: 'v' },
      createdAt: '1970-01-01T00:00:00.011Z',
      expiresAt: '1970-01-01T00:00:05.000Z',
    });
  });
});

/** Makes rows as the database returns them: in the order of their seqs, an expired one without its body. */
function rows(lastSeq: number, seqs: readonly number[], expired: readonly number[] = []): ReadRow[] {
  return [...seqs, ...expired]
    .sort((a, b) => a - b)
    .map((seq) => ({ ...row(lastSeq, seq), body: expired.includes(seq) ? null : String(seq) }));
}

/** Makes the row of a message; a `seq` of null stands for a channel without messages after the position. */
function row(lastSeq: number, seq: number | null): ReadRow {
  return {
    ord: 1,
    last_seq: lastSeq,
    epoch: 0,
    read_at_ms: 0,
    seq,
    id: '00000000-0000-7000-8000-000000000000',
    sender: null,
    type: 't',
    body: '1',
    metadata: null,
    controls: null,
    gone: null,
    created_at: new Date(seq ?? 0),
    expires_at: null,
  };
}

function run(page: ChannelPage | undefined): string[] | undefined {
  return page?.entries.map((entry) =>
    entry.kind === 'gap' ? `${entry.fromSeq}-${entry.seq} ${entry.reason}` : String(entry.seq),
  );
}

function messageSeqs(page: ChannelPage | undefined): number[] | undefined {
  return page?.entries.flatMap((entry) => (entry.kind === 'message' ? [entry.seq] : []));
}
