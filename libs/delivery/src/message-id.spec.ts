import { newMessageId } from './message-id.js';

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** More than are made of one fetch of randomness. */
const COUNT = 2_000;

describe('newMessageId', () => {
  it('is a UUID v7 of the time it was made, and never the same', () => {
    const before = Date.now();
    const ids = Array.from({ length: COUNT }, newMessageId);
    const after = Date.now();
    for (const id of ids) {
      expect(id).toMatch(UUID_V7);
      const ms = parseInt(id.slice(0, 13).replace('-', ''), 16);
      expect(ms).toBeGreaterThanOrEqual(before);
      expect(ms).toBeLessThanOrEqual(after);
    }
    expect(new Set(ids).size).toBe(COUNT);
  });

  it('has every digit at every random place, and each variant', () => {
    const ids = Array.from({ length: COUNT }, newMessageId);
    for (const place of [15, 16, 17, 20, 21, 22, 24, 35]) {
      expect(new Set(ids.map((id) => id[place])).size).toBe(16);
    }
    expect(new Set(ids.map((id) => id[19])).size).toBe(4);
  });
});
