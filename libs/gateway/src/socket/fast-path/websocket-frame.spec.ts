import { errorFrame, eventFrame, resultFrame } from './websocket-frame.js';

/** Reads a frame in the way that RFC 6455 (5.2) says. */
function read(frame: Buffer): { opcode: number; isFinal: boolean; isMasked: boolean; text: string; rest: number } {
  const [first = 0, second = 0] = frame;
  let length = second & 0x7f;
  let at = 2;
  if (length === 126) {
    length = frame.readUInt16BE(at);
    at += 2;
  } else if (length === 127) {
    length = Number(frame.readBigUInt64BE(at));
    at += 8;
  }
  const text = frame.toString('utf8', at, at + length);
  return {
    opcode: first & 0x0f,
    isFinal: first >= 0x80,
    isMasked: second >= 0x80,
    text,
    rest: frame.length - at - length,
  };
}

const shortest = resultFrame(7, { text: '' }).length - 2;

describe('A frame', () => {
  it.each([shortest, 125, 126, 127, 65_535, 65_536, 100_000])('of %i bytes is read as it was written', (bytes) => {
    const text = 'x'.repeat(bytes - shortest);
    expect(read(resultFrame(7, { text }))).toEqual({
      ...{ opcode: 1, isFinal: true, isMasked: false, rest: 0 },
      text: `437${JSON.stringify([{ ok: true, text }])}`,
    });
  });

  it('counts bytes and not characters', () => {
    const payload = { channel: 'group:é€😀', state: 'joined', seq: 1 };
    expect(read(eventFrame('membership', payload))).toMatchObject({
      text: `42${JSON.stringify(['membership', payload])}`,
      rest: 0,
    });
  });

  it('answers with a result, and with a result that says nothing', () => {
    expect(read(resultFrame(0, { seq: 1 })).text).toBe('430[{"ok":true,"seq":1}]');
    expect(read(resultFrame(12, {})).text).toBe('4312[{"ok":true}]');
  });

  it('answers with an error', () => {
    expect(read(errorFrame(3, { code: 1 })).text).toBe('433[{"ok":false,"error":{"code":1}}]');
  });
});
