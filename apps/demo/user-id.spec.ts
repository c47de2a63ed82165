import fc from 'fast-check';
import { Identifier } from '#protocol';
import { userIdOf } from './user-id.js';

const nick = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1, maxLength: 200 }),
  fc.string({ unit: fc.constantFrom('a', 'A', '+', 'h', '^', '5', 'e', '\\'), minLength: 1, maxLength: 8 }),
  fc.string({ unit: fc.constantFrom('{', '|'), minLength: 100, maxLength: 200 }),
);

describe('userIdOf', () => {
  it('leaves plain nicks alone and spells the other characters as bytes', () => {
    expect(userIdOf('Dr_Willis-2')).toBe('Dr_Willis-2');
    expect(userIdOf('[V13]^é+')).toBe('+5bV13+5d+5e+c3+a9+2b');
  });

  it('gives every nick an id that the protocol takes, with room for a suffix', () => {
    fc.assert(fc.property(nick, (name) => Identifier.safeParse(`${userIdOf(name)}.12345678+n999`).success));
  });

  it('gives different nicks different ids', () => {
    fc.assert(
      fc.property(nick, nick, (a, b) => (a === b) === (userIdOf(a) === userIdOf(b))),
      { numRuns: 1_000 },
    );
    expect(userIdOf('|'.repeat(100))).not.toBe(userIdOf('|'.repeat(101)));
  });
});
