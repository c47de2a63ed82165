import { randomBytes } from 'node:crypto';
import { DemoFleet } from './demo-fleet.js';
import { SERVER_ENTRY } from './paths.js';
import { seededRandom } from './seeded-random.js';
import { Workspace } from './workspace.js';

/** Everything of a run that must not outlive it: the server processes, their database and its directory. */
export class DemoEnvironment {
  private constructor(
    readonly fleet: DemoFleet,
    private readonly workspace: Workspace,
  ) {
    // Nothing is left behind, whatever ends this process, not even by an uncaught error.
    process.once('exit', this.clearNow);
  }

  static async set(jwtSecret: string, inherited: NodeJS.ProcessEnv, seed: number): Promise<DemoEnvironment> {
    const workspace = await Workspace.create();
    const environment = {
      ...inherited,
      NODE_ENV: 'development',
      HOST: '127.0.0.1',
      LOG_LEVEL: 'warn',
      JWT_SECRET: jwtSecret,
      API_KEYS: `demo:${randomBytes(24).toString('hex')}`,
      TRUNKLINE_DIR: workspace.directory,
    };
    return new DemoEnvironment(
      new DemoFleet({ entry: SERVER_ENTRY, environment, random: seededRandom(seed) }),
      workspace,
    );
  }

  /**
   * Stops the servers and removes the directory.
   * @returns what did not end as it should have, in words
   */
  async clear(): Promise<string[]> {
    const stubborn = await this.fleet.stop();
    await this.workspace.remove();
    process.off('exit', this.clearNow);
    return stubborn.map(({ id, lastLines }) => `instance ${id} ignored SIGTERM and was killed\n${lastLines}`);
  }

  private readonly clearNow = (): void => {
    this.fleet.killAll();
    this.workspace.removeNow();
  };
}
