import { Ack, Publish } from './client-requests.js';
import { Metadata } from './message.js';

const entries = (count: number, value: unknown): Record<string, unknown> =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`group:${n}`, value]));

const messages = (schema: typeof Ack | typeof Metadata, value: unknown): string[] =>
  schema.safeParse(value).error?.issues.map(({ message }) => message) ?? [];

describe('a schema with many entries', () => {
  it('tells of the first that is wrong, and of no other', () => {
    const wrong = { 'user:ada': 1, ...entries(900, -1) };
    const { issues } = Ack.safeParse(wrong).error ?? {};
    expect(issues?.map(({ path }) => path)).toEqual([['group:0']]);
    expect(messages(Metadata, { ok: 'a', '': 'b', bad: 1 })).toHaveLength(1);
  });

  it('counts before it looks at any', () => {
    let looks = 0;
    const tooMany = new Proxy(entries(9_000, -1), {
      get: () => (looks += 1),
    });
    expect(messages(Ack, tooMany)).toEqual(['at most 1000 channels']);
    expect(messages(Metadata, entries(21, 'x'))).toEqual(['at most 20 entries']);
    expect(looks).toBe(0);
    const receipts = Array.from({ length: 60_000 }, () => 'nonsense');
    const { issues } = Publish.safeParse({ channel: 'user:ada', type: 't', data: 1, receipts }).error ?? {};
    expect(issues?.map(({ message }) => message)).toEqual(['at most 2 receipts']);
  });

  it('takes what is right as it is', () => {
    const right = entries(1_000, 7);
    expect(Ack.parse(right)).toEqual(right);
    expect(Ack.safeParse([1]).success).toBe(false);
  });
});
