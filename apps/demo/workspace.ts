import { readFileSync, realpathSync, rmSync } from 'node:fs';
import { chmod, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const DATABASE_STOP_MS = 10_000;

/**
 * The directory of a run, in which the instances keep their embedded database, so that no run sees messages of another.
 */
export class Workspace {
  private constructor(readonly directory: string) {}

  static async create(): Promise<Workspace> {
    const directory = await mkdtemp(join(tmpdir(), 'trunkline-demo-'));
    // If root starts the database, it runs as another user, who must be able to reach its files in here.
    await chmod(directory, 0o711);
    return new Workspace(directory);
  }

  /**
   * Removes the directory. The last instance stops the database; if it could not, as after a crash, it is stopped here.
   */
  async remove(): Promise<void> {
    for (const deadline = Date.now() + DATABASE_STOP_MS; this.signalDatabase('SIGINT') && Date.now() < deadline;) {
      await sleep(100);
    }
    this.removeNow();
  }

  /** Removes the directory in the last moment of this process, when nothing can be awaited any more. */
  removeNow(): void {
    this.signalDatabase('SIGQUIT');
    for (const path of this.places()) rmSync(path, { recursive: true, force: true, maxRetries: 5 });
  }

  /**
   * Sends a signal to the database.
   * @returns true if it was running; only one that runs, or was killed, leaves its pid in the data directory
   */
  private signalDatabase(signal: NodeJS.Signals): boolean {
    try {
      const pidFile = readFileSync(join(this.directory, 'pg', 'postmaster.pid'), 'utf8');
      return process.kill(Number.parseInt(pidFile, 10), signal);
    } catch {
      return false; // No such file or no such process: the database is gone, which is what we want.
    }
  }

  /** The directories to remove. Where root may not keep the data in here, `pg` links to a directory made elsewhere. */
  private places(): string[] {
    try {
      const home = dirname(realpathSync(join(this.directory, 'pg')));
      return home === realpathSync(this.directory) ? [home] : [home, this.directory];
    } catch {
      return [this.directory];
    }
  }
}
