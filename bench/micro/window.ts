import { SendWindow } from '../../libs/delivery/src/connection/send-window.js';
import { BODY_BYTES } from '../load/body.js';
import { timesPerSecond, type Micro } from './micro.js';

const LIMITS = { messages: 256, bytes: 262_144 };
const ACKED_AT_ONCE = 10;

/** Measures the accounting of a connection: messages enter the window one by one, and leave it ten at a time. */
export async function windowMicro(): Promise<Micro> {
  const window = new SendWindow(LIMITS, { bufferedBytes: 0 });
  const pass = (turn: number): void => {
    if (window.hasRoomFor(BODY_BYTES)) window.take(BODY_BYTES);
    if (turn % ACKED_AT_ONCE === 0) window.release(ACKED_AT_ONCE, ACKED_AT_ONCE * BODY_BYTES);
  };
  return {
    name: 'window',
    unit: 'messages/s',
    contestants: { 'take and release': (seconds) => timesPerSecond(seconds, pass) },
    close: async () => undefined,
  };
}
