import { createRequire } from 'node:module';
import type { Server, Socket } from 'socket.io';

/*
 * Everything that this server knows of the inside of Socket.IO, Engine.IO and `ws`, which their types keep private. With
 * other versions than those named here, what only saves work is left to them, and the log says so at the start.
 */

/** Socket.IO 4.8 brings Engine.IO 6.6 and its parser 4.2; of `ws` the major version counts. */
const KNOWN: readonly (readonly [name: string, version: RegExp])[] = [
  ['socket.io', /^4\.8\./],
  ['ws', /^8\./],
];

/** Engine.IO's socket: one transport. */
export interface EngineSocket {
  readonly protocol: number;
  readonly readyState: string;
  /** The packets that the transport has not taken yet. */
  readonly writeBuffer: readonly { readonly options?: { readonly wsPreEncodedFrame?: readonly Buffer[] } }[];
  /** Set while a pong is due. */
  pingTimeoutTimer: NodeJS.Timeout | null;
  readonly hasRefreshedPingTimeout: boolean;
  readonly pingIntervalTimer: NodeJS.Timeout | null;
  readonly transport: { readonly socket?: WsSocket };
  close(): void;
}

/** The WebSocket of `ws` below Engine.IO's socket. */
export interface WsSocket {
  readonly bufferedAmount: number;
  readonly _sender: { sendFrame(frame: readonly Buffer[]): void };
  readonly _receiver?: WsReceiver;
  listeners(event: 'message'): OnMessage[];
  on(event: 'message', listener: OnMessage): void;
  on(event: 'ping' | 'pong', listener: (data: Buffer) => void): void;
  off(event: 'message', listener: OnMessage): void;
  off(event: 'ping' | 'pong', listener: (data: Buffer) => void): void;
  prependListener(event: 'close', listener: () => void): void;
  off(event: 'close', listener: () => void): void;
  pause(): void;
  resume(): void;
  terminate(): void;
}

/** The part of `ws` that cuts the bytes of a WebSocket into frames. */
interface WsReceiver {
  /** While it is false, one frame is handed over in a turn of the event loop. */
  _allowSynchronousEvents?: boolean;
  prependListener(event: 'error', listener: (error: { code?: string }) => void): void;
}

export type OnMessage = (this: WsSocket, data: Buffer, isBinary: boolean) => void;

/** Socket.IO's packet of an event. */
export interface EventPacket {
  readonly data?: readonly unknown[];
  readonly id?: number;
  /** The text of `data`, which this server adds. */
  json?: string;
}

/** Socket.IO's decoder of one transport. */
export interface Decoder {
  on(event: 'decoded', listener: (packet: EventPacket) => void): void;
  off(event: 'decoded', listener: (packet: EventPacket) => void): void;
}

/** Socket.IO's socket with its private parts: how it handles an event, and its callbacks of events sent. */
export interface InnerSocket {
  onevent: (packet: EventPacket) => void;
  acks: ReadonlyMap<never, never>;
}

/** Engine.IO's server: the class of its WebSocket server, and how it makes that. */
export interface InnerEngine {
  readonly opts: { wsEngine: new (options: object) => object };
  init(): void;
}

export function engineSocketOf({ conn }: Socket): EngineSocket {
  return conn as unknown as EngineSocket;
}

export function innerSocketOf(socket: Socket): InnerSocket {
  return socket as unknown as InnerSocket;
}

export function decoderOf({ client }: Socket): Decoder | undefined {
  return (client as unknown as { decoder?: Decoder }).decoder;
}

export function innerEngineOf({ engine }: Server): InnerEngine {
  return engine as unknown as InnerEngine;
}

/** Installed packages whose inside may differ from what is described here, such as `ws 9.0.0`. */
export const UNKNOWN_PACKAGES: readonly string[] = findUnknown();

/** True if the ways past Socket.IO and Engine.IO may be taken; otherwise all events take theirs. */
export const isEngineKnown = UNKNOWN_PACKAGES.length === 0;

function findUnknown(): string[] {
  const versions = readVersions();
  return KNOWN.filter(([name, version]) => !version.test(versions.get(name) ?? '')).map(
    ([name]) => `${name} ${versions.get(name) ?? 'of an unknown version'}`,
  );
}

/** Reads the version of the `ws` that Engine.IO loads, which need not be the one next to this file. */
function readVersions(): Map<string, string> {
  const versions = new Map<string, string>();
  try {
    const ours = createRequire(import.meta.url);
    const ofSocketIo = createRequire(ours.resolve('socket.io/package.json'));
    const ofEngine = createRequire(ofSocketIo.resolve('engine.io'));
    versions.set('socket.io', (ours('socket.io/package.json') as { version: string }).version);
    versions.set('ws', (ofEngine('ws/package.json') as { version: string }).version);
  } catch {
    // A package that does not say its version is unknown.
  }
  return versions;
}
