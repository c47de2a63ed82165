import type { ChannelPage } from '#message-persistence';
import type { HistoryPage } from '#protocol';
import { draft, openLog, type OpenLog } from '../support/open-log.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';

let test: TestDatabase;
let instance: OpenLog;

beforeAll(async () => {
  test = await createTestDatabase();
  instance = openLog(test.url);
});
afterAll(async () => {
  await instance.database.close();
  await test.drop();
});

describe('reading a channel', () => {
  it('goes page by page to its end, with every seq accounted for', async () => {
    await publish('group:long', 450);
    const pages = await readAll('group:long');
    expect(pages.map(({ entries }) => entries.length)).toEqual([200, 200, 50]);
    expect(pages.flatMap(run)).toEqual(Array.from({ length: 450 }, (_, i) => String(i + 1)));
  });

  it('ends a page by its bytes, too, but never before its first message', async () => {
    await publish('group:heavy', 6, { body: `"${'x'.repeat(100_000)}"` });
    expect((await readAll('group:heavy')).map(({ entries }) => entries.length)).toEqual([3, 3]);
    await publish('group:giant', 2, { body: `"${'x'.repeat(300_000)}"` });
    expect((await readAll('group:giant')).map(({ entries }) => entries.length)).toEqual([1, 1]);
  });

  it('says what expired, though the message is still in the table', async () => {
    await publish('group:expired', 5);
    await test.query(
      `update trunkline.messages set expires_at = now() where channel = 'group:expired' and seq in (2, 3, 5)`,
    );
    expect((await readAll('group:expired')).flatMap(run)).toEqual(['1', '2-3 expired', '4', '5-5 expired']);
  });

  it('says what was removed, at its beginning, within and up to its end', async () => {
    await publish('group:removed', 8);
    await test.query(`delete from trunkline.messages where channel = 'group:removed' and seq in (1, 2, 5, 7, 8)`);
    expect((await readAll('group:removed')).flatMap(run)).toEqual([
      '1-2 removed',
      '3',
      '4',
      '5-5 removed',
      '6',
      '7-8 removed',
    ]);
  });

  it('finds the same with the time of its position as without', async () => {
    await publish('group:timed', 5);
    const all = await instance.log.readPage({ channel: 'group:timed', fromSeq: 0, since: undefined, epoch: 0 });
    const [, second] = all?.entries ?? [];
    if (second?.kind !== 'message') throw new Error('no second message');
    const since = new Date(second.stored.createdAtMs);
    const request = { channel: 'group:timed', fromSeq: 2, epoch: 0 };
    const [timed, plain] = await Promise.all([
      instance.log.readPage({ ...request, since }),
      instance.log.readPage({ ...request, since: undefined }),
    ]);
    expect(run(timed)).toEqual(['3', '4', '5']);
    expect(run(plain)).toEqual(run(timed));
  });

  it('finds what was stored while the clock stood back', async () => {
    await publish('group:clock', 1);
    await test.query(`update trunkline.channels set last_at = now() + interval '1 hour' where channel = 'group:clock'`);
    await publish('group:clock', 2);
    const [second] = (await history('group:clock', 1)).messages;
    const since = new Date(second?.createdAt ?? 0);
    const request = { channel: 'group:clock', fromSeq: 2, since, epoch: 0 };
    expect(since.getTime()).toBeGreaterThan(Date.now());
    expect(run(await instance.log.readPage(request))).toEqual(['3']);
  });

  it('answers many channels in one statement, each in its place, and nothing for those without news', async () => {
    await publish('group:x', 3);
    await publish('group:y', 1);
    const ask = (channel: string, fromSeq: number) => ({ channel, fromSeq, since: undefined, epoch: 0 });
    const pages = await instance.log.poll([
      ask('group:y', 0),
      ask('group:x', 3),
      ask('group:never', 0),
      ask('group:x', 1),
      ask('group:x', 0),
    ]);
    expect(pages.map((page) => page && run(page))).toEqual([['1'], undefined, undefined, ['2', '3'], ['1', '2', '3']]);
  });

  it('tells an end from a channel nobody ever published to', async () => {
    await publish('group:end', 2);
    expect(await history('group:end', 2)).toMatchObject({ messages: [], lastSeq: 2, nextAfterSeq: null });
    expect(await history('group:end', 99)).toMatchObject({ messages: [], lastSeq: 2 });
    expect(await history('group:nobody', 0)).toMatchObject({ messages: [], lastSeq: 0 });
  });

  it('gives back what was stored, character for character', async () => {
    const body = '{"__proto__":{"a":1},"n":1e21,"text":"é😀\\n\\"\\\\","deep":[[[[]]]]}';
    const metadata = '{"k":"ü"}';
    await instance.log.append(draft('group:exact', { body, metadata, ttlMs: 60_000, sender: null, type: 'x.y' }));
    const [message] = (await history('group:exact', 0)).messages;
    if (!message) throw new Error('no message');
    expect(JSON.stringify(message.data)).toBe(JSON.stringify(JSON.parse(body)));
    expect(message).toMatchObject({ sender: null, type: 'x.y', metadata: { k: 'ü' } });
    expect(Date.parse(message.expiresAt ?? '') - Date.parse(message.createdAt)).toBe(60_000);
  });
});

async function publish(channel: string, count: number, more: Parameters<typeof draft>[1] = {}): Promise<void> {
  await Promise.all(Array.from({ length: count }, () => instance.log.append(draft(channel, more))));
}

function history(channel: string, afterSeq: number): Promise<HistoryPage> {
  const bounds = { afterSeq, beforeSeq: undefined, from: undefined, to: undefined, order: 'asc', limit: 10 } as const;
  return instance.log.history(channel, bounds);
}

async function readAll(channel: string): Promise<ChannelPage[]> {
  const pages: ChannelPage[] = [];
  let position: { fromSeq: number; since: Date | undefined } = { fromSeq: 0, since: undefined };
  for (;;) {
    const page = await instance.log.readPage({ channel, ...position, epoch: 0 });
    if (!page) return pages;
    pages.push(page);
    position = { fromSeq: page.seq, since: page.since };
  }
}

function run(page: ChannelPage | undefined): string[] {
  return (page?.entries ?? []).map((entry) =>
    entry.kind === 'gap' ? `${entry.fromSeq}-${entry.seq} ${entry.reason}` : String(entry.seq),
  );
}
