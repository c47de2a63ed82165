import { ERROR_CODES, ProtocolError } from './errors.js';

const entries = Object.entries(ERROR_CODES);

describe('ERROR_CODES', () => {
  it('uses no number twice', () => {
    expect(new Set(entries.map(([, { code }]) => code)).size).toBe(entries.length);
  });

  it('tells by the thousands digit whether trying again helps: in 4000 always, elsewhere never', () => {
    for (const [name, { code, retryable }] of entries)
      expect([name, retryable]).toEqual([name, Math.floor(code / 1_000) === 4]);
  });

  it('keeps the numbers it has given out', () => {
    const numbers = Object.fromEntries(entries.map(([name, { code }]) => [name, code]));
    expect(numbers).toMatchObject({
      BAD_REQUEST: 1000,
      UNKNOWN_EVENT: 1001,
      BAD_CHANNEL: 1002,
      BODY_TOO_LARGE: 1003,
      BODY_TOO_DEEP: 1004,
      BODY_TOO_WIDE: 1005,
      BAD_TEXT: 1006,
      BAD_TTL: 1007,
      UNKNOWN_FIELD: 1008,
      ACK_BEYOND_SENT: 1009,
      NOT_SUBSCRIBED: 1010,
      TOO_MANY_CHANNELS: 1011,
      NOT_FOUND: 1012,
      PUBLISH_ID_REUSED: 1013,
      BATCH_TOO_LARGE: 1014,
      BAD_JSON: 1015,
      DISPLACED: 1017,
      BAD_NUMBER: 1018,
      TOKEN_MISSING: 2001,
      TOKEN_INVALID: 2002,
      TOKEN_EXPIRED: 2003,
      API_KEY_INVALID: 2004,
      FORBIDDEN: 3001,
      UNAVAILABLE: 4001,
      OUTCOME_UNKNOWN: 4002,
      OVERLOADED: 4003,
      DRAINING: 4004,
      NOT_ACKNOWLEDGING: 4005,
      INSTANCE_FULL: 4006,
      USER_FULL: 4007,
      ADDRESS_FULL: 4008,
      INTERNAL: 5000,
    });
  });
});

describe('ProtocolError', () => {
  it('puts its number, its words and nothing of its cause on the wire', () => {
    const error = new ProtocolError('UNAVAILABLE', 'try again', { cause: new Error('password authentication failed') });
    expect(JSON.parse(JSON.stringify(error.toWire()))).toEqual({ code: 4001, message: 'try again', retryable: true });
  });
});
