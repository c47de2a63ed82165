import { closeSync, createWriteStream, openSync, readSync, type WriteStream } from 'node:fs';
import { once } from 'node:events';
import type { Happening, HistoryEvent } from './event.js';

const CHUNK_BYTES = 65_536;

/** The history of a run, written to a file as it happens. */
export class HistoryFile {
  private readonly stream: WriteStream;
  private readonly startedAt = performance.now();
  readonly epochMs = Date.now();

  constructor(readonly path: string) {
    this.stream = createWriteStream(path);
  }

  /** Milliseconds since the beginning. */
  get now(): number {
    return Math.round((performance.now() - this.startedAt) * 10) / 10;
  }

  /** Writes an event with its time. Events after the end are dropped. */
  readonly record = (happening: Happening): void => {
    if (this.stream.writableEnded) return;
    this.stream.write(`${JSON.stringify({ at: this.now, ...happening })}\n`);
  };

  async end(): Promise<void> {
    if (this.stream.closed) return;
    this.stream.end();
    await once(this.stream, 'close');
  }
}

/** Reads the history line by line, so that a million events need no more memory than one. */
export function* readHistory(path: string): Generator<HistoryEvent> {
  for (const line of readLines(path)) if (line !== '') yield JSON.parse(line) as HistoryEvent;
}

function* readLines(path: string): Generator<string> {
  const file = openSync(path, 'r');
  try {
    const chunk = Buffer.alloc(CHUNK_BYTES);
    let rest = Buffer.alloc(0);
    for (let size = readSync(file, chunk); size > 0; size = readSync(file, chunk)) {
      const bytes = Buffer.concat([rest, chunk.subarray(0, size)]);
      const end = bytes.lastIndexOf('\n') + 1;
      rest = Buffer.from(bytes.subarray(end));
      yield* bytes.toString('utf8', 0, end).split('\n');
    }
  } finally {
    closeSync(file);
  }
}
