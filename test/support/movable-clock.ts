import { chmod, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileOfPackage } from './debian-package.js';

const LIBRARY = '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1';

/** A clock for processes to be started: it goes at its usual pace and can be put forward while they run (libfaketime). */
export class MovableClock {
  private constructor(
    private readonly directory: string,
    /** Makes a process, and the children it has, read this clock. */
    readonly environment: Readonly<Record<string, string>>,
  ) {}

  /** @throws Error if libfaketime is neither installed nor to be had */
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

  /** Ahead of the machine's clock by so much; 0 is right again. */
  async putForward(seconds: number): Promise<void> {
    // Renamed into place and so never half-written: it is read all the time.
    const next = join(this.directory, 'next');
    await writeFile(next, `+${seconds}s\n`, { mode: 0o644 });
    await rename(next, join(this.directory, 'offset'));
  }

  remove(): Promise<void> {
    return rm(this.directory, { recursive: true, force: true });
  }
}
