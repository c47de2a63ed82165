import { readFileSync, realpathSync, rmSync } from 'node:fs';
import { chmod, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const DATABASE_STOP_MS = 10_000;

/** The run's own directory, where the instances keep their embedded database: no run sees the messages of another. */
export class Workspace {
  private constructor(readonly directory: string) {}

  static async create(): Promise<Workspace> {
    const directory = await mkdtemp(join(tmpdir(), 'trunkline-demo-'));
    // Started by root, the database runs as another user, who must be able to reach its files in here.
    await chmod(directory, 0o711);
    return new Workspace(directory);
  }

  /** The last instance stops the database; where it could not, as after a crash, we do. */
  async remove(): Promise<void> {
    for (const deadline = Date.now() + DATABASE_STOP_MS; this.signalDatabase('SIGINT') && Date.now() < deadline;) {
      await sleep(100);
    }
    this.removeNow();
  }

  /** For the last moment of this process, when nothing can be awaited any more. */
  removeNow(): void {
    this.signalDatabase('SIGQUIT');
    for (const path of this.places()) rmSync(path, { recursive: true, force: true, maxRetries: 5 });
  }

  /** True if the database was running. Only one that runs, or was killed, leaves its pid in the data directory. */
  private signalDatabase(signal: NodeJS.Signals): boolean {
    try {
      const pidFile = readFileSync(join(this.directory, 'pg', 'postmaster.pid'), 'utf8');
      return process.kill(Number.parseInt(pidFile, 10), signal);
    } catch {
      return false; // No such file or no such process: it is gone, which is what we want.
    }
  }

  /** Where root may not keep the data in here, `pg` links to a directory made for them elsewhere. */
  private places(): string[] {
    try {
      const home = dirname(realpathSync(join(this.directory, 'pg')));
      return home === realpathSync(this.directory) ? [home] : [home, this.directory];
    } catch {
      return [this.directory];
    }
  }
}
