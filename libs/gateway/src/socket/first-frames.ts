import { ACK_CHANNELS_MAX } from '#protocol';
import type { EngineSocket, OnMessage } from './engine-internals.js';

/** Engine.IO's "pong", and Socket.IO's "connect" in its "message". */
const THREE = 0x33;
const FOUR = 0x34;
const ZERO = 0x30;
/** A token and what stands around it, and what the device has processed already. */
const FIRST_FRAME_MAX = 32_768 + ACK_CHANNELS_MAX * 128;
/** Those who are let in need one, or two if they are pinged meanwhile. */
const MAX_FRAMES = 16;

/**
 * Lets through only what a client may send before it is let in: a few frames, each a CONNECT of bounded length or a pong.
 * Whoever sends anything else is closed before it is decoded.
 *
 * @returns takes this away again: from then on all frames go through
 */
export function guardFirstFrames(conn: EngineSocket): () => void {
  const ws = conn.transport.socket;
  const [usual, ...others] = ws?.listeners('message') ?? [];
  if (!ws || !usual || others.length > 0) return () => undefined;
  let frames = 0;
  const guarded: OnMessage = (data, isBinary) => {
    frames += 1;
    if (frames > MAX_FRAMES || isBinary || !mayComeFirst(data)) conn.close();
    else usual.call(ws, data, isBinary);
  };
  /** Of WebSocket itself, which nobody needs before it is let in. */
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
  return frame[0] === FOUR && frame[1] === ZERO && frame.length <= FIRST_FRAME_MAX;
}
