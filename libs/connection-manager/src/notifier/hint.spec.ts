import { randomBytes, randomInt } from 'node:crypto';
import { inboxOf } from '#protocol';
import { decodeHint, encodeHint, type Hint } from './hint.js';

/** PostgreSQL refuses a payload of this many bytes. */
const TOO_LONG = 8_000;

const channelsOf = (payload: string): readonly string[] => {
  const hint = decodeHint(payload);
  return hint?.kind === 'channels' ? hint.channels : [];
};

describe('a hint', () => {
  it.each<Hint>([
    { kind: 'sessions-ended' },
    { kind: 'commands' },
    { kind: 'peer-joined' },
    { kind: 'channels', channels: ['user:ann'] },
    { kind: 'channels', channels: ['broadcast', 'group:a-!', 'presence:user:-'] },
  ])('is the same after it was sent: %o', (hint) => {
    expect(encodeHint(hint).map(decodeHint)).toEqual([hint]);
  });

  it('about many channels becomes several that NOTIFY can carry and that name each channel once, in order', () => {
    const longest = `presence:${inboxOf('ü'.repeat(100))}`;
    for (let round = 1; round <= 50; round++) {
      const channels = Array.from(
        { length: randomInt(1, 300) },
        (_, n) => `${longest.slice(0, randomInt(20, 614))}${n}`,
      );
      const payloads = encodeHint({ kind: 'channels', channels });
      for (const payload of payloads) expect(Buffer.byteLength(payload)).toBeLessThan(TOO_LONG);
      expect(payloads.flatMap(channelsOf)).toEqual(channels);
    }
  });

  it('about no channel is none', () => {
    expect(encodeHint({ kind: 'channels', channels: [] })).toEqual([]);
    expect(decodeHint('')).toBeUndefined();
  });

  it('that is garbage is at most about channels that do not exist', () => {
    const garbage = ['!!', '-\n>', '\n', 'toString', '{"kind":"commands"}', randomBytes(99).toString('latin1')];
    for (const payload of garbage) expect(decodeHint(payload)).toMatchObject({ kind: 'channels' });
  });
});
