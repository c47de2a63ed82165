const LENGTH_16 = 126;
const LENGTH_64 = 127;
const UINT16_MAX = 65_535;

/** The first bytes of WebSocket frames: the FIN bit and the opcode. */
export const FIRST_BYTE = { text: 0x81, ping: 0x89, textToGoOn: 0x01, more: 0x00 } as const;

/** Makes a frame as a client sends it. Its mask is all zeros, so that the payload stands in it as it is. */
export function frame(payload: string | Buffer, firstByte: number = FIRST_BYTE.text): Buffer {
  const bytes = Buffer.from(payload);
  return Buffer.concat([header(firstByte, bytes.length), bytes]);
}

function header(firstByte: number, length: number): Buffer {
  const extra = length < LENGTH_16 ? 0 : length <= UINT16_MAX ? 2 : 8;
  const bytes = Buffer.alloc(2 + extra + 4);
  bytes[0] = firstByte;
  bytes[1] = 0x80 | (extra === 0 ? length : extra === 2 ? LENGTH_16 : LENGTH_64);
  if (extra === 2) bytes.writeUInt16BE(length, 2);
  if (extra === 8) bytes.writeBigUInt64BE(BigInt(length), 2);
  return bytes;
}

export interface Frame {
  readonly opcode: number;
  readonly payload: Buffer;
}

/** Takes a server's frames out of the chunks in which they come. Nothing is copied before a frame is whole. */
export class FrameParser {
  private chunks: Buffer[] = [];
  private length = 0;
  /** The bytes that must have come before it is worth looking again. */
  private needed = 2;

  *read(chunk: Buffer): Generator<Frame> {
    this.chunks.push(chunk);
    this.length += chunk.length;
    while (this.length >= this.needed) {
      const frame = this.take();
      if (frame) yield frame;
    }
  }

  private take(): Frame | undefined {
    const all = this.joined();
    const short = (all[1] ?? 0) & 0x7f;
    const start = short === LENGTH_16 ? 4 : short === LENGTH_64 ? 10 : 2;
    if (this.lacks(start)) return undefined;
    const size = start === 2 ? short : start === 4 ? all.readUInt16BE(2) : Number(all.readBigUInt64BE(2));
    if (this.lacks(start + size)) return undefined;
    this.chunks = [all.subarray(start + size)];
    this.length -= start + size;
    this.needed = 2;
    return { opcode: (all[0] ?? 0) & 0x0f, payload: all.subarray(start, start + size) };
  }

  private lacks(bytes: number): boolean {
    this.needed = bytes;
    return this.length < bytes;
  }

  private joined(): Buffer {
    if (this.chunks.length > 1) this.chunks = [Buffer.concat(this.chunks)];
    return this.chunks[0] ?? Buffer.alloc(0);
  }
}
