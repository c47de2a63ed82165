import { messages } from '../../../../test/support/reader.js';
import { MessageBatch } from './message-batch.js';

const stored = ['a', 'b'].map((channel) =>
  messages(channel, [1, 2, 3]).flatMap((e) => (e.kind === 'message' ? [e.stored] : [])),
);
const [[a1, a2], [b1]] = stored as [[never, never], [never]];

describe('MessageBatch', () => {
  it('holds messages in order, and the acknowledgement that ends them', () => {
    const batch = MessageBatch.root().with('a', a1).with('b', b1).with('a', a2);
    const { messages: sent, ack } = JSON.parse(batch.toJson()) as {
      messages: { channel: string; seq: number }[];
      ack: object;
    };
    expect(sent.map(({ channel, seq }) => `${channel}#${seq}`)).toEqual(['a#1', 'b#1', 'a#2']);
    expect(ack).toEqual({ a: 2, b: 1 });
  });

  it('is the same for all who get the same, and encoded once', () => {
    const root = MessageBatch.root();
    const [one, other] = [root.with('a', a1).with('a', a2), root.with('a', a1).with('a', a2)];
    expect(other).toBe(one);
    let times = 0;
    const encode = (): number => ++times;
    expect([one.encodeOnce(encode), other.encodeOnce(encode)]).toEqual([1, 1]);
    expect(root.with('b', b1)).not.toBe(root.with('a', a1));
  });
});
