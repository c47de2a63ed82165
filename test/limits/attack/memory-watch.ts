import { residentBytes } from '../../../bench/cpu/proc.js';

const LOOK_EVERY_MS = 50;

/** Reads the resident memory of a process again and again, and keeps the highest value. */
export class MemoryWatch {
  maxBytes = 0;
  private readonly timer: NodeJS.Timeout;

  constructor(private readonly pid: number) {
    this.timer = setInterval(() => void this.look(), LOOK_EVERY_MS);
  }

  async look(): Promise<number> {
    const bytes = await residentBytes(this.pid);
    this.maxBytes = Math.max(this.maxBytes, bytes);
    return bytes;
  }

  stop(): void {
    clearInterval(this.timer);
  }
}
