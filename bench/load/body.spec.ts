import { describe, expect, it } from '@jest/globals';
import { BODY_BYTES, makeBody } from './body.js';

describe('a body', () => {
  it('has the same length whatever it carries', () => {
    for (const body of [makeBody(0, 1, 0), makeBody(19_999, 1_234_567, 98_765.4321), makeBody(7, 10, 0.1)]) {
      expect(JSON.stringify(body)).toHaveLength(BODY_BYTES);
    }
  });
});
