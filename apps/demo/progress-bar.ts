import type { WriteStream } from 'node:tty';

const WIDTH = 30;
const INTERVAL_MS = 100;

export interface Progress {
  readonly done: number;
  readonly total: number;
  readonly text: string;
}

/** Draws progress on the last line of the stream if it is a terminal; notes are printed above it, on any stream. */
export class ProgressBar {
  private timer: NodeJS.Timeout | undefined;
  private read: (() => Progress) | undefined;

  constructor(private readonly stream: WriteStream) {}

  show(read: () => Progress): void {
    if (!this.stream.isTTY) return;
    this.read = read;
    this.timer ??= setInterval(() => this.draw(), INTERVAL_MS);
  }

  hide(): void {
    clearInterval(this.timer);
    this.timer = undefined;
    this.read = undefined;
    this.clear();
  }

  note(text: string): void {
    this.clear();
    this.stream.write(`${text}\n`);
    this.draw();
  }

  private draw(): void {
    if (this.read) this.stream.write(`\r\u001b[K${barOf(this.read()).slice(0, (this.stream.columns || 80) - 1)}`);
  }

  private clear(): void {
    if (this.stream.isTTY) this.stream.write('\r\u001b[K');
  }
}

function barOf({ done, total, text }: Progress): string {
  const share = total === 0 ? 1 : Math.min(1, done / total);
  const filled = Math.round(share * WIDTH);
  return `[${'#'.repeat(filled)}${'-'.repeat(WIDTH - filled)}] ${String(Math.floor(share * 100)).padStart(3)} %  ${text}`;
}
