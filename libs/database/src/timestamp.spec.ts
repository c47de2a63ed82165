import { parseTimestamp } from './timestamp.js';

describe('parseTimestamp', () => {
  it.each([
    ['2026-11-20 09:08:07+00', '2026-11-20T09:08:07.000Z'],
    ['2026-11-20 09:08:07.1+00', '2026-11-20T09:08:07.100Z'],
    ['2026-02-28 23:59:59.123456+00', '2026-02-28T23:59:59.123Z'],
    ['2026-11-20 09:08:07.999999+00', '2026-11-20T09:08:07.999Z'],
    ['1999-01-01 00:00:00.01+00', '1999-01-01T00:00:00.010Z'],
  ])('reads %s', (text, iso) => {
    expect(parseTimestamp(text)?.toISOString()).toBe(iso);
  });

  it.each([
    'infinity',
    '-infinity',
    '2026-11-20 09:08:07+02',
    '12026-11-20 09:08:07+00',
    '0044-03-15 12:00:00+00 BC',
    '0044-03-15 12:00:00+00',
    '',
  ])('leaves %s to others', (text) => {
    expect(parseTimestamp(text)).toBeUndefined();
  });
});
