import fc from 'fast-check';
import { CHANNEL_NAME_MAX, Channel, channelKind, GroupChannel, Identifier, inboxOf } from './channel.js';
import { parse } from './parse.js';

describe('channelKind', () => {
  it.each([
    ['user:42', 'user'],
    ['user:a.b_c:d@e/f+g-h', 'user'],
    ['group:staff', 'group'],
    ['group:user:42', 'group'],
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
    '__proto__',
    ' user:a',
    `group:${'x'.repeat(CHANNEL_NAME_MAX - 5)}`,
  ])('knows no kind of %j', (name) => {
    expect(channelKind(name)).toBeUndefined();
  });

  it('gives every name that is no channel the number for it', () => {
    expect(() => parse(Channel, 'topic:x')).toThrow(expect.objectContaining({ fault: 'BAD_CHANNEL' }) as Error);
    expect(() => parse(GroupChannel, 'user:x')).toThrow(expect.objectContaining({ fault: 'BAD_CHANNEL' }) as Error);
  });
});

describe('Identifier', () => {
  it('is exactly what may stand behind user: in a channel name', () => {
    const id = fc.oneof(
      fc.string({ maxLength: 250, unit: 'binary' }),
      fc.stringMatching(/^[A-Za-z0-9._:@/+-]{0,250}$/),
      fc.integer({ min: 190, max: 200 }).map((length) => 'x'.repeat(length)),
    );
    fc.assert(
      fc.property(id, (user) => Identifier.safeParse(user).success === (channelKind(inboxOf(user)) === 'user')),
    );
  });
});
