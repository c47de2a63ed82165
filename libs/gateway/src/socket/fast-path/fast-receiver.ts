import type { Socket } from 'socket.io';
import { ACK_CHANNELS_MAX, isRequest } from '#protocol';
import {
  decoderOf,
  engineSocketOf,
  innerSocketOf,
  isEngineKnown,
  type Decoder,
  type EngineSocket,
  type EventPacket,
} from './engine-internals.js';
import { FrameReader } from './frame-reader.js';

export interface EventHandler {
  /**
   * A frame of so many bytes came, and nothing of it was parsed yet.
   * @returns 0 to take it in, otherwise after how many milliseconds it may come again
   */
  admit(bytes: number, isAck: boolean): number;
  /** A request was not taken in, and its client waits for an answer. */
  turnDown(id: number, retryAfterMs: number): void;
  /** A request is refused by its first bytes; with an id, its client waits for an answer. */
  refuseUnread(id: number | undefined, why: string): void;
  /**
   * `data` is the name of an event and its arguments; with an id, the client waits for an answer.
   * @param json the text that `data` was parsed from; undefined if Socket.IO's decoders are unknown and kept it
   */
  handleEvent(data: readonly unknown[], id: number | undefined, json: string | undefined): void;
  /** It gave a sign of life. */
  onHeartbeat(): void;
  /** It is gone. */
  onDisconnect(reason: string): void;
  /** `ws` is about to close its WebSocket because a frame is longer than the limit. */
  onFrameTooLong(): void;
  /** One of the above has thrown. */
  fail(error: unknown): void;
}

/** Of `ws`: the length of a frame, of a message in fragments, and one beyond all numbers. */
const TOO_LONG: readonly unknown[] = ['WS_ERR_UNSUPPORTED_MESSAGE_LENGTH', 'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH'];

/** Engine.IO's "message", and in it Socket.IO's "event" of the main namespace, its id and its JSON array. */
const FOUR = 0x34;
const THREE = 0x33;
const TWO = 0x32;
const ONE = 0x31;
const FIVE = 0x35;
const SIX = 0x36;
/** Engine.IO's binary "message" as base64 text. */
const LETTER_B = 0x62;
const ZERO = 0x30;
const NINE = 0x39;
const BRACKET = 0x5b;
/** Longer ids would not be exact numbers. */
const MOST_DIGITS = 15;
const NO_EVENT = -1;
const ACK = Buffer.from('["ack"');
/** The length of an acknowledgement that names as many channels as it may. */
const ACK_MAX = ACK_CHANNELS_MAX * 128;
/** An event with attachments of the main namespace: its type, how many there are, its id. */
const BINARY_EVENT = /^45\d*-(\d{1,15})\[/;
const BINARY_EVENT_HEADER_MAX = 40;
/** `41` and `41/,`: it leaves the namespace, after which it may send nothing more. */
const LEAVE_MAX = 4;

/**
 * Listens to a socket, in one function, so that the listeners share what they know. Events are taken past Socket.IO's
 * dispatcher, which is silent about events that nobody listens to, and, if they look as they mostly do, straight from
 * the WebSocket. Engine.IO and Socket.IO would decode each in turn and hand it on through five events, four objects and
 * a turn of their own. Whatever else comes goes their way, and so does what they have to know of: the first sign of life
 * after a ping. Its text goes with the packet.
 *
 * Every frame is counted before anything of it is parsed, whichever way it goes, and one too many is dropped: its client
 * is answered if the bytes in front show that it waits. Requests are JSON, so an event with attachments is refused by its
 * first bytes and its attachments are dropped: Socket.IO would keep them until the last one has come, which may be never.
 *
 * Whatever a listener throws would go up through `ws` to the process and end it, so nothing leaves this function.
 *
 * @returns what keeps the socket from being read
 */
export function receiveEvents(socket: Socket, handler: EventHandler): FrameReader {
  socket.on('disconnect', (reason) => contain(handler, () => handler.onDisconnect(reason)));
  socket.conn.on('heartbeat', () => contain(handler, () => handler.onHeartbeat()));
  const take: EventHandler['handleEvent'] = (data, id, json) => {
    try {
      handler.handleEvent(data, id, json);
    } catch (error) {
      handler.fail(error);
    }
  };
  innerSocketOf(socket).onevent = ({ data = [], id, json }) => take(data, id, json);
  const conn = engineSocketOf(socket);
  const ws = conn.transport.socket;
  ws?._receiver?.prependListener('error', ({ code }) => {
    if (TOO_LONG.includes(code)) contain(handler, () => handler.onFrameTooLong());
  });
  const [usual, ...others] = ws?.listeners('message') ?? [];
  const decoder = decoderOf(socket);
  if (!ws || !usual || others.length > 0 || !decoder) return new FrameReader(ws, () => undefined);
  // With other versions, everything goes their way.
  const isKnown = isEngineKnown && conn.protocol === 4;
  /** What went the usual way is taken at the end of this turn; what came behind it must not pass it by. */
  let isDetoured = false;
  // `ws` answers a ping by itself, and sends none that a pong would be due for.
  const countControl = (data: Buffer): void => contain(handler, () => void handler.admit(data.length, false));
  for (const event of ['ping', 'pong'] as const) ws.on(event, countControl);
  const reader = new FrameReader(ws, (data, isBinary) => {
    const start = isBinary ? NO_EVENT : startOfData(data);
    if (!isAdmitted(conn, data, start, handler)) return;
    if (isKnown && isRefusedUnread(data, isBinary, start, handler)) return;
    const isNext = !isDetoured && socket.connected;
    if (isNext && isKnown && isIdle(conn) && takeEvent(data, start, take)) return;
    keepText(decoder, data, () => usual.call(ws, data, isBinary));
    if (isDetoured) return;
    isDetoured = true;
    process.nextTick(() => (isDetoured = false));
  });
  ws.off('message', usual);
  ws.on('message', (data, isBinary) => reader.read(data, isBinary));
  return reader;
}

/** Frames that are part of the protocol and cannot come in numbers are not counted. */
function isAdmitted(conn: EngineSocket, frame: Buffer, start: number, handler: EventHandler): boolean {
  if (start === NO_EVENT && (isPongDue(conn, frame) || isLeave(frame))) return true;
  try {
    const waitMs = handler.admit(frame.length, isAck(frame, start));
    if (waitMs > 0 && start > 2) handler.turnDown(idIn(frame, start), waitMs);
    return waitMs === 0;
  } catch (error) {
    handler.fail(error);
    return false;
  }
}

function isPongDue({ pingTimeoutTimer }: EngineSocket, frame: Buffer): boolean {
  return frame.length === 1 && frame[0] === THREE && pingTimeoutTimer !== null;
}

function isLeave(frame: Buffer): boolean {
  return frame[0] === FOUR && frame[1] === ONE && frame.length <= LEAVE_MAX;
}

function isAck(frame: Buffer, start: number): boolean {
  if (start === NO_EVENT || frame.length < start + ACK.length) return false;
  for (let at = 0; at < ACK.length; at++) if (frame[start + at] !== ACK[at]) return false;
  return true;
}

/** Refuses by its first bytes or its length what would cost much to decode and be refused then. */
function isRefusedUnread(frame: Buffer, isBinary: boolean, start: number, handler: EventHandler): boolean {
  if (isBinaryPacket(frame, isBinary)) contain(handler, () => refuseBinary(frame, isBinary, handler));
  else if (frame.length > ACK_MAX && isAck(frame, start)) contain(handler, () => refuseLongAck(frame, start, handler));
  else return false;
  return true;
}

/** An event or an answer with attachments, or one of the attachments. */
function isBinaryPacket(frame: Buffer, isBinary: boolean): boolean {
  if (isBinary || frame[0] === LETTER_B) return true;
  return frame[0] === FOUR && (frame[1] === FIVE || frame[1] === SIX);
}

/** Answers an event; an attachment is part of what was answered, and nobody waits for an answer to an answer. */
function refuseBinary(frame: Buffer, isBinary: boolean, handler: EventHandler): void {
  if (isBinary || frame[0] === LETTER_B || frame[1] === SIX) return;
  const id = BINARY_EVENT.exec(frame.toString('latin1', 0, BINARY_EVENT_HEADER_MAX))?.[1];
  handler.refuseUnread(id === undefined ? undefined : Number(id), 'binary is not accepted; send text, such as base64');
}

function refuseLongAck(frame: Buffer, start: number, handler: EventHandler): void {
  const why = `an acknowledgement has at most ${ACK_CHANNELS_MAX} channels and ${ACK_MAX} bytes`;
  handler.refuseUnread(start === 2 ? undefined : idIn(frame, start), why);
}

/** Decoding a frame, which is done before it returns, tells of one packet at most. */
function keepText(decoder: Decoder, frame: Buffer, decode: () => void): void {
  const keep = (packet: EventPacket): void => {
    const text = frame.toString();
    packet.json = text.slice(text.indexOf('['));
  };
  decoder.on('decoded', keep);
  try {
    decode();
  } finally {
    decoder.off('decoded', keep);
  }
}

function contain(handler: EventHandler, run: () => void): void {
  try {
    run();
  } catch (error) {
    handler.fail(error);
  }
}

/** Open, and not waiting for a sign of life. */
function isIdle({ readyState, pingTimeoutTimer, hasRefreshedPingTimeout }: EngineSocket): boolean {
  return readyState === 'open' && (pingTimeoutTimer === null || hasRefreshedPingTimeout);
}

/** @returns false if it is anything but an event in its usual form: then nothing has happened */
function takeEvent(frame: Buffer, start: number, take: EventHandler['handleEvent']): boolean {
  if (start === NO_EVENT) return false;
  const json = frame.toString('utf8', start);
  const data = parseArray(json);
  // Socket.IO ends the connection for some other names.
  if (typeof data?.[0] !== 'string' || !isRequest(data[0])) return false;
  take(data, start === 2 ? undefined : idIn(frame, start), json);
  return true;
}

/** Where the JSON of an event begins, behind its type and its id. */
function startOfData(frame: Buffer): number {
  if (frame[0] !== FOUR || frame[1] !== TWO) return NO_EVENT;
  for (let at = 2; at <= 2 + MOST_DIGITS; at++) {
    const byte = frame[at];
    if (byte === BRACKET) return at;
    if (byte === undefined || byte < ZERO || byte > NINE) return NO_EVENT;
  }
  return NO_EVENT;
}

function idIn(frame: Buffer, end: number): number {
  let id = 0;
  for (let at = 2; at < end; at++) id = id * 10 + (frame[at] ?? ZERO) - ZERO;
  return id;
}

/** Undefined if it is malformed, which the decoders end the connection for. */
function parseArray(json: string): readonly unknown[] | undefined {
  try {
    return JSON.parse(json) as readonly unknown[];
  } catch {
    return undefined;
  }
}
