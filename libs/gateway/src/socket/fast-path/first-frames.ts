import { ACK_CHANNELS_MAX } from '#protocol';
import type { EngineSocket, OnMessage } from './engine-internals.js';
import type { TurnQueue } from './turn-queue.js';

/** Digits of frames: `3` is Engine.IO's "pong", and `40` its "message" with Socket.IO's "connect" in it. */
const THREE = 0x33;
const FOUR = 0x34;
const ZERO = 0x30;
/** The longest CONNECT: a token with what stands around it, and the positions that the device has processed already. */
const FIRST_FRAME_MAX = 32_768 + ACK_CHANNELS_MAX * 128;
/** In frames above this length the commas are counted, because thousands of positions take long to parse. */
const LONG_FRAME = 4_096;
const COMMA = 0x2c;
const COMMAS_MAX = ACK_CHANNELS_MAX + 200;
/** The most frames before a client is let in. It needs one to be let in, or two if it is pinged meanwhile. */
const MAX_FRAMES = 16;

/**
 * Lets through only the frames that a client may send before it is let in: a few, each a CONNECT of bounded length or a
 * pong. On any other frame the connection is closed before the frame is decoded.
 *
 * @param queue takes its frames in turns with those of other newcomers
 * @returns a function that takes the guard away, after which all frames go through
 */
export function guardFirstFrames(conn: EngineSocket, queue: TurnQueue): () => void {
  const ws = conn.transport.socket;
  const [usual, ...others] = ws?.listeners('message') ?? [];
  if (!ws || !usual || others.length > 0) return () => undefined;
  let frames = 0;
  const guarded: OnMessage = (data, isBinary) => {
    frames += 1;
    if (frames > MAX_FRAMES || isBinary || !mayComeFirst(data)) conn.close();
    else queue.run(() => usual.call(ws, data, isBinary));
  };
  /** Counts the pings and pongs of WebSocket itself, which no client needs before it is let in. */
  const control = (): void => {
    frames += 1;
    if (frames > MAX_FRAMES) conn.close();
  };
  ws.off('message', usual);
  ws.on('message', guarded);
  for (const event of ['ping', 'pong'] as const) ws.on(event, control);
  return () => {
    for (const event of ['ping', 'pong'] as const) ws.off(event, control);
    ws.off('message', guarded);
    ws.on('message', usual);
  };
}

function mayComeFirst(frame: Buffer): boolean {
  if (frame[0] === THREE) return frame.length === 1;
  if (frame[0] !== FOUR || frame[1] !== ZERO || frame.length > FIRST_FRAME_MAX) return false;
  return frame.length <= LONG_FRAME || hasAtMostCommas(frame, COMMAS_MAX);
}

function hasAtMostCommas(frame: Buffer, max: number): boolean {
  let count = 0;
  for (let at = frame.indexOf(COMMA); at >= 0; at = frame.indexOf(COMMA, at + 1)) if (++count > max) return false;
  return true;
}
