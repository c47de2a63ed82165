import { SendWindow } from './send-window.js';

let transport: { bufferedBytes: number };
let window: SendWindow;

beforeEach(() => {
  transport = { bufferedBytes: 0 };
  window = new SendWindow({ messages: 4, bytes: 1_000 }, transport);
});

describe('SendWindow', () => {
  it('has room until its number of messages is in flight', () => {
    for (let i = 0; i < 4; i++) {
      expect(window.hasRoomFor(1)).toBe(true);
      window.take(1);
    }
    expect(window.hasRoomFor(1)).toBe(false);
    window.release(1, 1);
    expect(window.hasRoomFor(1)).toBe(true);
  });

  it('has room until its bytes are in flight', () => {
    window.take(600);
    expect(window.hasRoomFor(400)).toBe(true);
    expect(window.hasRoomFor(401)).toBe(false);
    window.release(1, 600);
    expect(window.hasRoomFor(401)).toBe(true);
  });

  it('takes one message of any length when empty, or that message would never be delivered', () => {
    expect(window.hasRoomFor(1_000_000)).toBe(true);
    window.take(1_000_000);
    expect(window.hasRoomFor(0)).toBe(false);
  });

  it('has no room while the network has not taken what it was given, not even when empty', () => {
    transport.bufferedBytes = 1_001;
    expect(window.hasRoomFor(1)).toBe(false);
    transport.bufferedBytes = 1_000;
    expect(window.hasRoomFor(1)).toBe(true);
  });

  it('is worth a page when half of it is free, in each of its measures', () => {
    const pages = [
      [0, 0, 0, true],
      [2, 500, 500, true],
      [3, 0, 0, false],
      [1, 501, 0, false],
      [0, 0, 501, false],
    ] as const;
    for (const [count, bytes, waiting, expected] of pages) {
      const fresh = new SendWindow({ messages: 4, bytes: 1_000 }, { bufferedBytes: waiting });
      for (let i = 0; i < count; i++) fresh.take(i === 0 ? bytes : 0);
      expect([count, bytes, waiting, fresh.hasRoomForPage]).toEqual([count, bytes, waiting, expected]);
    }
  });

  it('is empty when everything is released', () => {
    window.take(5);
    window.take(6);
    expect(window.isEmpty).toBe(false);
    window.release(2, 11);
    expect(window.isEmpty).toBe(true);
  });
});
