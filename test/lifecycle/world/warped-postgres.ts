import { chmod, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OwnPostgres } from '../../support/own-postgres.js';
import { fileOfPackage } from '../../support/debian-package.js';

const LIBRARY = '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1';

/** A PostgreSQL whose clock goes at its usual pace and can be put forward by hours (libfaketime). */
export class WarpedPostgres {
  private hours = 0;

  private constructor(
    readonly postgres: OwnPostgres,
    private readonly directory: string,
  ) {}

  static async start(): Promise<WarpedPostgres> {
    const library = await fileOfPackage('libfaketime', LIBRARY);
    const directory = await mkdtemp(join(tmpdir(), 'trunkline-clock-'));
    await chmod(directory, 0o755); // PostgreSQL never runs as root
    await write(directory, 0);
    const env = {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: join(directory, 'offset'),
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
    // PostgreSQL inherits them; this process was started without, and its own clock is right.
    Object.assign(process.env, env);
    try {
      return new WarpedPostgres(await OwnPostgres.start(), directory);
    } finally {
      for (const name of Object.keys(env)) Reflect.deleteProperty(process.env, name);
    }
  }

  async putForwardAnHour(): Promise<void> {
    this.hours += 1;
    await write(this.directory, this.hours);
  }

  async remove(): Promise<void> {
    await this.postgres.remove();
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** Never half-written: PostgreSQL reads it all the time. */
async function write(directory: string, hours: number): Promise<void> {
  const next = join(directory, 'next');
  await writeFile(next, `+${hours * 3_600}s\n`, { mode: 0o644 });
  await rename(next, join(directory, 'offset'));
}
