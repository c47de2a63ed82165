import { EventLoop, TICK_MS } from './event-loop.js';

let nowMs: number;
let loop: EventLoop;

beforeEach(() => {
  nowMs = 0;
  loop = new EventLoop(() => nowMs);
});

function tickLate(ms: number, times: number): void {
  for (let n = 0; n < times; n++) {
    nowMs += TICK_MS + ms;
    loop.tick();
  }
}

it('is not stuck before anything was measured, nor when every turn is a little late', () => {
  expect(loop.isStuck).toBe(false);
  tickLate(150, 20);
  expect([loop.isStuck, loop.medianMs]).toEqual([false, 150]);
});

it('is not stuck after one stop, however long it was', () => {
  tickLate(0, 20);
  tickLate(30_000, 1);
  expect(loop.isStuck).toBe(false);
});

it('is stuck while half of the ticks are seconds late, and no longer when they are on time', () => {
  tickLate(3_000, 20);
  expect(loop.isStuck).toBe(true);
  tickLate(0, 11);
  expect(loop.isStuck).toBe(false);
});

it('is stuck when no tick comes although requests are answered', () => {
  tickLate(0, 20);
  nowMs += 60_001;
  expect(loop.isStuck).toBe(true);
});
