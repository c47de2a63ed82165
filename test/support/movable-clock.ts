import { chmod, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileOfPackage } from './debian-package.js';

const LIBRARY = '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1';

/**
 * A clock for processes that are yet to be started. It goes at its usual pace and can be put forward while they run
 * (libfaketime).
 */
export class MovableClock {
  private constructor(
    private readonly directory: string,
    /** Makes a process and its children read this clock. */
    readonly environment: Readonly<Record<string, string>>,
  ) {}

  /**
   * Makes a clock.
   * @throws Error if libfaketime is neither installed nor available
   */
  static async make(): Promise<MovableClock> {
    const library = await fileOfPackage('libfaketime', LIBRARY);
    const directory = await mkdtemp(join(tmpdir(), 'trunkline-clock-'));
    await chmod(directory, 0o755); // PostgreSQL never runs as root
    const clock = new MovableClock(directory, {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: join(directory, 'offset'),
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    });
    await clock.putForward(0);
    return clock;
  }

  /** Puts the clock this many seconds ahead of the machine's clock; 0 sets it right again. */
  async putForward(seconds: number): Promise<void> {
    // The file is read all the time. It is renamed into place, so that nobody reads a half-written one.
    const next = join(this.directory, 'next');
    await writeFile(next, `+${seconds}s\n`, { mode: 0o644 });
    await rename(next, join(this.directory, 'offset'));
  }

  remove(): Promise<void> {
    return rm(this.directory, { recursive: true, force: true });
  }
}
