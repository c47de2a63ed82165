import fc from 'fast-check';
import { inboxOf } from './channel.js';
import { Grant, GRANT_VERBS, isGranted } from './grant.js';

describe('isGranted', () => {
  it.each([
    ['publish:user:42', 'publish', 'user:42', true],
    ['publish:user:42', 'publish', 'user:421', false],
    ['publish:user:42', 'subscribe', 'user:42', false],
    ['publish:user:*', 'publish', 'user:42', true],
    ['publish:user:*', 'publish', 'group:42', false],
    ['publish:user:4*', 'publish', 'user:42', true],
    ['publish:user:auth0%7Cann', 'publish', inboxOf('auth0|ann'), true],
    ['publish:user:auth0%7C*', 'publish', inboxOf('auth0|ann'), true],
    ['publish:user:auth0%7C*', 'publish', inboxOf('auth0'), false],
    ['publish:*', 'publish', 'broadcast', true],
    ['publish:*', 'join', 'group:a', false],
    ['publish:', 'publish', 'broadcast', false],
    // Grants are no pattern language: only a star at the end has a meaning.
    ['join:group:.', 'join', 'group:a', false],
  ] as const)('%s: %s on %s is %s', (grant, verb, channel, expected) => {
    expect(Grant.safeParse(grant).success).toBe(true);
    expect(isGranted([grant], verb, channel)).toBe(expected);
  });

  it('needs one grant of many', () => {
    expect(isGranted(['join:group:a', 'publish:user:*'], 'publish', 'user:1')).toBe(true);
  });

  it('grants nothing to a token without grants', () => {
    fc.assert(
      fc.property(fc.constantFrom(...GRANT_VERBS), fc.string(), (verb, channel) => !isGranted([], verb, channel)),
    );
  });
});

describe('Grant', () => {
  it.each([
    'publish',
    'admin:*',
    'publish:us*r:1',
    '*:user:1',
    'publish:user 1',
    'publish:user:auth0|a',
    'publish:user:a%7',
    'publish:user:a%7c',
    `publish:${'x'.repeat(620)}`,
  ])('refuses %j', (grant) => {
    expect(Grant.safeParse(grant).success).toBe(false);
  });
});
