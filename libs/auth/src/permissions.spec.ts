import { isPermitted, mayMembers, type ChannelRight } from './permissions.js';

const NO_GRANTS: readonly string[] = [];

describe('permissions', () => {
  it.each<[ChannelRight, string, boolean]>([
    ['subscribe', 'user:ann', true],
    ['subscribe', 'broadcast', true],
    ['subscribe', 'user:bob', false],
    ['subscribe', 'group:a', false],
    ['publish', 'user:ann', false],
    ['publish', 'broadcast', false],
    ['publish', 'group:a', false],
    ['join', 'group:a', false],
  ])('without a grant or a membership: %s %s is %s', (right, channel, isAllowed) => {
    expect(isPermitted(right, channel, 'ann', NO_GRANTS, false)).toBe(isAllowed);
  });

  it('lets members publish to their group and read it, but not join by being a member', () => {
    const rights: readonly ChannelRight[] = ['publish', 'subscribe', 'join'];
    expect(rights.map((right) => isPermitted(right, 'group:a', 'ann', NO_GRANTS, true))).toEqual([true, true, false]);
  });

  it('takes no membership of an inbox or of broadcast for a right', () => {
    expect(['user:bob', 'broadcast'].map((channel) => isPermitted('publish', channel, 'ann', NO_GRANTS, true))).toEqual(
      [false, false],
    );
    expect(mayMembers('publish', 'user:bob')).toBe(false);
  });

  it('gives with a grant that very right, on the channels of its pattern', () => {
    const grants = ['publish:user:b*'];
    expect(isPermitted('publish', 'user:bob', 'ann', grants, false)).toBe(true);
    expect(isPermitted('publish', 'user:cid', 'ann', grants, false)).toBe(false);
    expect(isPermitted('subscribe', 'user:bob', 'ann', grants, false)).toBe(false);
  });
});
