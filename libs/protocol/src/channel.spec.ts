import fc from 'fast-check';
import { CHANNEL_NAME_MAX, Channel, channelKind, GroupChannel, inboxOf, isUserId, UserId, userOf } from './channel.js';
import { parse } from './parse.js';

describe('channelKind', () => {
  it.each([
    ['user:42', 'user'],
    ['user:a.b_c:d@e/f+g-h', 'user'],
    ['group:staff', 'group'],
    ['group:user:42', 'group'],
    ['user:auth0%7Cann', 'user'],
    ['user:j%C3%BCrgen', 'user'],
    ['broadcast', 'broadcast'],
    [`group:${'x'.repeat(CHANNEL_NAME_MAX - 6)}`, 'group'],
  ])('knows %s', (name, kind) => {
    expect(channelKind(name)).toBe(kind);
  });

  it.each([
    '',
    'user:',
    'group:',
    'user',
    'User:1',
    'broadcast:all',
    'topic:x',
    'user:a b',
    'user:a\n',
    'user:*',
    'user:é',
    'user:a\0',
    'user:.',
    'user:..',
    'user:%61', // another spelling of user:a
    'user:auth0%7cann',
    'user:%',
    'user:%C3',
    'user:a%00',
    'group:a%20b',
    '__proto__',
    ' user:a',
    `group:${'x'.repeat(CHANNEL_NAME_MAX - 5)}`,
  ])('knows no kind of %j', (name) => {
    expect(channelKind(name)).toBeUndefined();
  });

  it('gives every name that is no channel the number for it', () => {
    expect(() => parse(Channel, 'topic:x')).toThrow(expect.objectContaining({ errorName: 'BAD_CHANNEL' }) as Error);
    expect(() => parse(GroupChannel, 'user:x')).toThrow(expect.objectContaining({ errorName: 'BAD_CHANNEL' }) as Error);
  });
});

describe('inboxOf', () => {
  const id = fc.oneof(
    fc.string({ maxLength: 250, unit: 'binary' }),
    fc.stringMatching(/^[A-Za-z0-9._:@/+|% ü-]{0,250}$/),
    fc.integer({ min: 190, max: 210 }).map((length) => 'x'.repeat(length)),
  );

  it('gives every user id a channel of its own, and nothing else one', () => {
    fc.assert(
      fc.property(id, (user) => {
        expect(UserId.safeParse(user).success).toBe(isUserId(user));
        if (isUserId(user)) expect(userOf(inboxOf(user))).toBe(user);
        expect(channelKind(inboxOf(user)) === 'user').toBe(isUserId(user));
      }),
    );
  });

  it('refuses an id whose inbox would have too long a name, and says so', () => {
    expect(UserId.safeParse('漢'.repeat(66)).success).toBe(true);
    expect(UserId.safeParse('漢'.repeat(67)).error?.issues).toMatchObject([
      { message: expect.stringContaining('at most 600 in the name of its inbox') },
    ]);
  });

  it('takes ids as identity providers make them', () => {
    expect(inboxOf('auth0|5f7c')).toBe('user:auth0%7C5f7c');
    expect(inboxOf('jürgen')).toBe('user:j%C3%BCrgen');
    expect(inboxOf('50%')).toBe('user:50%25');
  });
});
