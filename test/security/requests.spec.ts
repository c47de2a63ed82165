import { Attacker, type Answer } from './attacker.js';
import { SECRET_TEXT, Target } from './target.js';
import { until } from '../support/until.js';

/** A channel that exists and that mallory may publish to and read; nobody else does. */
const LAB = 'group:lab';
const GRANTS = [`publish:${LAB}`, 'subscribe:group:*', 'join:group:open'];
const MAX_CHANNELS = 5;

let target: Target;
let attacker: Attacker;

beforeAll(async () => {
  target = await Target.start({ MAX_CHANNELS: String(MAX_CHANNELS) });
  await target.server.rest('POST', '/v1/messages', message({ publishId: 'used' }));
});
beforeEach(async () => {
  attacker = await Attacker.enter(target.server.url, GRANTS);
});
afterEach(() => attacker.leave());
afterAll(() => target?.end());

describe('an event', () => {
  it.each([
    ['that does not exist', 'destroy'],
    ['of another case', 'Publish'],
    ['with a space', 'publish '],
    ['of nothing', ''],
    ['of 5,000 characters', 'x'.repeat(5_000)],
    ['with \\u0000', 'publish\0'],
    ['with half a surrogate pair', '\ud800'],
    ['of every object, __proto__', '__proto__'],
    ['of every object, constructor', 'constructor'],
    ['of every object, toString', 'toString'],
    ['of a method of ours', 'run'],
    ['of an emitter’s alarm', 'error'],
    ['that only the server says', 'ready'],
  ])('with a name %s is unknown', async (_, name) => {
    expect(await target.survives(() => attacker.send(name, message()))).toMatchObject(refusal(1001));
  });

  it('with a number for a name is unknown', async () => {
    expect(await target.survives(() => attacker.sendText('[7,{}]'))).toMatchObject(refusal(1001));
  });

  it.each(['connect', 'disconnect', 'disconnecting', 'connect_error', 'newListener', 'removeListener'])(
    'that Socket.IO keeps for itself, %s, ends the connection',
    async (name) => {
      await target.survives(async () => {
        attacker.sendFrame(`42["${name}",{}]`);
        await attacker.isThrownOut();
      });
    },
  );

  it.each(['42[{"event":"publish"}]', '42"publish"', '42{}', '42[]', '42["publish",', '42/admin,["publish",{}]'])(
    'that is none, %s, ends the connection',
    async (packet) => {
      await target.survives(async () => {
        attacker.sendFrame(packet);
        await attacker.isThrownOut();
      });
    },
  );

  it.each([
    ['no argument', []],
    ['null', [null]],
    ['a string', [JSON.stringify(message())]],
    ['a list', [[message()]]],
    ['a number', [1]],
    ['two arguments', [message(), message()]],
    ['three arguments', [message(), null, null]],
  ])('with %s is refused', async (_, args) => {
    expect(await target.survives(() => attacker.send('publish', ...args))).toMatchObject(refusal(1000));
  });

  it('without a callback gets no answer, and leaves nothing if it is refused', async () => {
    await target.survives(async () => {
      attacker.socket.emit('destroy', SECRET_TEXT);
      attacker.socket.emit('publish', message({ ttlMs: 0 }));
      attacker.socket.emit('publish', message({ channel: 'user:canary' }));
      attacker.socket.emit('publish');
      attacker.socket.emit('ack', { 'user:mallory': 9 });
      attacker.socket.emit('join', { channel: 'group:closed' });
      // events of one socket are taken in their order
      expect(await attacker.send('history', { channel: LAB })).toMatchObject({ ok: true });
    });
  });

  it('is refused as retryable when thousands of its kind come at once, and the connection goes on', async () => {
    const answers = await target.survives(() =>
      Promise.all(Array.from({ length: 1_500 }, () => attacker.send('unwatch', { channel: LAB }))),
    );
    const refused = answers.filter(({ ok }) => !ok);
    expect(refused.filter(({ error }) => error?.retryable !== true)).toEqual([]);
    expect(refused.map(({ error }) => error?.code)).toContain(4010);
    await until('it is served', async () => (await attacker.send('history', { channel: LAB })).ok);
  });
});

describe('publish', () => {
  it.each<[number, string, object]>([
    [1002, 'to a channel of no known kind', { channel: 'topic:lab' }],
    [1002, 'to a channel without a name', { channel: 'group:' }],
    [1002, 'to an empty channel', { channel: '' }],
    [1002, 'to a channel of 201 characters', { channel: `group:${'x'.repeat(195)}` }],
    [1002, 'to a channel with a space', { channel: 'group:a b' }],
    [1002, 'to a channel with \\u0000', { channel: 'group:a\0' }],
    [1002, 'to a channel with a line end', { channel: 'group:lab\n' }],
    [1002, 'to a channel with SQL', { channel: `group:'; drop table trunkline.messages; --` }],
    [1002, 'to __proto__', { channel: '__proto__' }],
    [1000, 'to a channel that is no string', { channel: [LAB] }],
    [1000, 'to no channel', { channel: undefined }],
    [3001, 'to somebody else without the right', { channel: 'user:canary' }],
    [3001, 'to broadcast without the right', { channel: 'broadcast' }],
    [3001, 'to a group it is no member of', { channel: 'group:closed' }],
    [3001, 'to a channel that only begins like a granted one', { channel: `${LAB}oratory` }],
    [1008, 'as somebody else', { sender: 'canary' }],
    [1008, 'with a seq', { seq: 1 }],
    [1008, 'with a time', { createdAt: '2000-01-01T00:00:00Z' }],
    [1008, 'with an id', { id: '01890a5d-ac96-774b-bcce-b302099a8057' }],
    [1008, 'with an expiry', { expiresAt: '2000-01-01T00:00:00Z' }],
    [1008, 'with an own constructor', { constructor: 1 }],
    [1000, 'without a type', { type: undefined }],
    [1000, 'with an empty type', { type: '' }],
    [1000, 'with a type of 101 characters', { type: 'x'.repeat(101) }],
    [1006, 'with \\u0000 in its type', { type: 'a\0' }],
    [1006, 'with half a surrogate pair in its type', { type: 'a\ud800' }],
    [1007, 'with ttl 0', { ttlMs: 0 }],
    [1007, 'with ttl -1', { ttlMs: -1 }],
    [1007, 'with ttl 1.5', { ttlMs: 1.5 }],
    [1007, 'with ttl "5"', { ttlMs: '5' }],
    [1007, 'with ttl null', { ttlMs: null }],
    [1007, 'with a ttl of a thousand years', { ttlMs: 1_000 * 365 * 86_400_000 }],
    [1000, 'with an empty publish id', { publishId: '' }],
    [1000, 'with a publish id of 101 characters', { publishId: 'x'.repeat(101) }],
    [1000, 'with a publish id that is no string', { publishId: 7 }],
    [1006, 'with \\u0000 in its publish id', { publishId: 'a\0' }],
    [1006, 'with half a surrogate pair in its publish id', { publishId: '\udc00' }],
    [1000, 'with 21 metadata', { metadata: Object.fromEntries(Array.from({ length: 21 }, (_, i) => [`k${i}`, ''])) }],
    [1000, 'with metadata that is no string', { metadata: { a: { toString: 'b' } } }],
    [1000, 'with metadata of 1,001 characters', { metadata: { a: 'x'.repeat(1_001) } }],
    [1000, 'with a list of metadata', { metadata: ['a'] }],
    [1006, 'with \\u0000 in metadata', { metadata: { a: '\0' } }],
    [1006, 'with \\u0000 in the name of metadata', { metadata: { 'a\0': '' } }],
    [1006, 'with halves of a pair where metadata meet', { metadata: { 'a\ud83d': '\ude00b' } }],
  ])('answers %i %s', async (code, _, change) => {
    const answer = await target.survives(() => attacker.send('publish', message(change)));
    expect(answer).toMatchObject(refusal(code));
    expectNothingRepeated(answer);
  });

  it('answers 1007 to a ttl of 1e400', async () => {
    const text = JSON.stringify(['publish', message({ ttlMs: 5 })]).replace('"ttlMs":5', '"ttlMs":1e400');
    expect(await target.survives(() => attacker.sendText(text))).toMatchObject(refusal(1007));
  });

  it('answers 1008 to a field named __proto__', async () => {
    const text = JSON.stringify(['publish', message({ proto: { sender: 'canary' } })]).replace(
      '"proto"',
      '"__proto__"',
    );
    expect(await target.survives(() => attacker.sendText(text))).toMatchObject(refusal(1008));
  });

  it('answers the same to the same publish id with the same body, and stores one message', async () => {
    const first = await target.survives(() => attacker.send('publish', message({ publishId: 'p1' })), {
      messages: 1,
      publish_ids: 1,
    });
    const again = await target.survives(() => attacker.send('publish', message({ publishId: 'p1' })));
    expect(again).toEqual({ ...first, repeated: true });
    const reused = await target.survives(() => attacker.send('publish', message({ publishId: 'p1', data: 'other' })));
    expect(reused).toMatchObject(refusal(1013));
  });

  it('keeps the publish ids of others out of reach', async () => {
    const answer = await target.survives(() => attacker.send('publish', message({ publishId: 'used' })), {
      messages: 1,
      publish_ids: 1,
    });
    expect(answer).toMatchObject({ ok: true });
    expect(answer['repeated']).toBeUndefined();
  });

  it('shows the user of the token as the sender', async () => {
    await target.survives(() => attacker.send('publish', message()), { messages: 1 });
    const { messages } = await attacker.send('history', { channel: LAB, limit: 500 });
    expect((messages as { sender: unknown }[]).at(-1)?.sender).toBe('mallory');
  });
});

describe('ack', () => {
  it.each<[number, string, unknown]>([
    [1009, 'of what was never sent', { 'user:mallory': 1 }],
    [1009, 'of what was never sent beside what was', { broadcast: 0, 'user:mallory': 1 }],
    [1009, 'of all there will ever be', { 'user:mallory': Number.MAX_SAFE_INTEGER }],
    [1010, 'of a channel it does not read', { 'user:canary': 1 }],
    [1010, 'of a channel nobody reads', { 'group:nowhere': 0 }],
    [1002, 'of no channel', { mallory: 1 }],
    [1002, 'of a property every object has', { constructor: 0 }],
    [1000, 'of a negative seq', { 'user:mallory': -1 }],
    [1000, 'of half a seq', { 'user:mallory': 0.5 }],
    [1000, 'of a seq in quotes', { 'user:mallory': '0' }],
    [1000, 'of a seq beyond exact numbers', { 'user:mallory': 2 ** 53 }],
    [1000, 'that is a number', 1],
    [1000, 'that is a list', [1]],
    [1000, 'that is null', null],
    [1000, 'of 1,001 channels', Object.fromEntries(Array.from({ length: 1_001 }, (_, i) => [`group:${i}`, 0]))],
  ])('answers %i %s', async (code, _, ack) => {
    expect(await target.survives(() => attacker.send('ack', ack))).toMatchObject(refusal(code));
  });
});

describe('subscribe, join and history', () => {
  it.each<[number, string, string, unknown]>([
    [3001, 'subscribe', 'to somebody else’s inbox', { channel: 'user:canary' }],
    [1002, 'subscribe', 'to a pattern', { channel: 'group:*' }],
    [1002, 'subscribe', 'to everything', { channel: '*' }],
    [1000, 'subscribe', 'from behind a negative seq', { channel: LAB, sinceSeq: -1 }],
    [1008, 'subscribe', 'as somebody else', { channel: LAB, user: 'canary' }],
    [1000, 'unsubscribe', 'from its own inbox', { channel: 'user:mallory' }],
    [1000, 'unsubscribe', 'from broadcast', { channel: 'broadcast' }],
    [1010, 'unsubscribe', 'from what it does not read', { channel: 'user:canary' }],
    [3001, 'join', 'a group without the right', { channel: 'group:closed' }],
    [1002, 'join', 'an inbox', { channel: 'user:canary' }],
    [1002, 'join', 'broadcast', { channel: 'broadcast' }],
    [1008, 'join', 'for somebody else', { channel: 'group:open', user: 'canary' }],
    [1012, 'leave', 'a group it is no member of', { channel: 'group:open' }],
    [1002, 'leave', 'its inbox', { channel: 'user:mallory' }],
    [3001, 'history', 'of somebody else', { channel: 'user:canary' }],
    [1000, 'history', 'of no message', { channel: LAB, limit: 0 }],
    [1000, 'history', 'of a billion messages', { channel: LAB, limit: 1e9 }],
    [1000, 'history', 'of half a message', { channel: LAB, limit: 0.5 }],
    [1000, 'history', 'of "5" messages', { channel: LAB, limit: '5' }],
    [1000, 'history', 'from behind a negative seq', { channel: LAB, afterSeq: -1 }],
    [1000, 'history', 'from behind a seq beyond exact numbers', { channel: LAB, afterSeq: 2 ** 60 }],
  ])('answers %i: %s %s', async (code, event, _, payload) => {
    expect(await target.survives(() => attacker.send(event, payload))).toMatchObject(refusal(code));
  });

  it('answers 1011 to one channel too many, and goes on reading those it had', async () => {
    await target.survives(async () => {
      for (let i = 2; i < MAX_CHANNELS; i++) {
        expect(await attacker.send('subscribe', { channel: `group:${i}` })).toMatchObject({ ok: true });
      }
      expect(await attacker.send('subscribe', { channel: LAB })).toMatchObject(refusal(1011));
      expect(await attacker.send('subscribe', { channel: 'group:2' })).toMatchObject({ ok: true });
      expect(await attacker.send('unsubscribe', { channel: 'group:2' })).toMatchObject({ ok: true });
      expect(await attacker.send('subscribe', { channel: LAB })).toMatchObject({ ok: true });
    });
  });

  it('reads nothing from behind the end of a channel, and nothing twice', async () => {
    await target.survives(async () => {
      const all = await attacker.send('history', { channel: LAB, afterSeq: Number.MAX_SAFE_INTEGER });
      expect(all).toMatchObject({ ok: true, messages: [], nextAfterSeq: null });
      const future = await attacker.send('subscribe', { channel: LAB, sinceSeq: Number.MAX_SAFE_INTEGER });
      expect(future['seq']).toBe(future['lastSeq']);
    });
  });
});

function message(change: object = {}): object {
  return { channel: LAB, type: 't', data: { text: SECRET_TEXT }, ...change };
}

function refusal(code: number): object {
  return { ok: false, error: { code, message: expect.any(String), retryable: false } };
}

/** A refusal names the field and the rule; it is no mirror for what was sent. */
function expectNothingRepeated(answer: Answer): void {
  expect(answer.error?.message.length).toBeLessThanOrEqual(300);
  expect(JSON.stringify(answer)).not.toContain(SECRET_TEXT);
}
