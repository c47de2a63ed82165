import { EventEmitter } from 'node:events';
import { FrameReader } from './frame-reader.js';

/** A WebSocket that hands over all its frames at once, and notes whether it is read from. */
class EagerSocket extends EventEmitter {
  isPaused = false;

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

let socket: EagerSocket;
let taken: number[];
let reader: FrameReader;
const send = (...frames: number[]): void => frames.forEach((frame) => reader.read(Buffer.from([frame]), false));

beforeEach(() => {
  socket = new EagerSocket();
  taken = [];
  reader = new FrameReader(socket, ([frame]) => void taken.push(frame ?? NaN));
});

describe('FrameReader', () => {
  it('takes a few frames in each turn, all in their order, and reads nothing more meanwhile', async () => {
    send(1, 2, 3, 4, 5);
    expect([taken, socket.isPaused]).toEqual([[1, 2], true]);
    await nextTurn();
    const soon = taken.length;
    expect(soon).toBeLessThan(5);
    for (let turns = 0; turns < 5; turns++) await nextTurn();
    expect([taken, socket.isPaused]).toEqual([[1, 2, 3, 4, 5], false]);
  });

  it('takes nothing while it is paused, and goes on in order', async () => {
    reader.pause();
    send(1, 2, 3);
    await nextTurn();
    expect([taken, socket.isPaused]).toEqual([[], true]);
    reader.resume();
    send(4);
    for (let turns = 0; turns < 5; turns++) await nextTurn();
    expect([taken, socket.isPaused]).toEqual([[1, 2, 3, 4], false]);
  });

  it('stops in the middle when taking a frame pauses it', async () => {
    reader = new FrameReader(socket, ([frame]) => {
      taken.push(frame ?? NaN);
      if (frame === 3) reader.pause();
    });
    send(1, 2, 3, 4);
    for (let turns = 0; turns < 5; turns++) await nextTurn();
    expect([taken, socket.isPaused]).toEqual([[1, 2, 3], true]);
  });

  it('takes the rest at once when its WebSocket has closed', () => {
    send(1, 2, 3, 4, 5);
    socket.emit('close');
    expect(taken).toEqual([1, 2, 3, 4, 5]);
  });
});
