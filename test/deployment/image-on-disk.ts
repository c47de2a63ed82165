import { execFileSync } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, rm, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { readFileSync } from 'node:fs';
import { lastOf, stagesOf, type Stage, type Step } from '../../tools/deploy/image.js';

/** What a stage that compiles installs is what is installed here; the production dependencies are installed anew. */
const INSTALLED_HERE = 'npm ci --ignore-scripts';

/**
 * The steps of the Dockerfile, done in directories instead of by a container engine: the same files in the same places,
 * on this machine's Node and system.
 */
export class ImageOnDisk {
  private readonly stages: Stage[];
  private readonly env: Record<string, string> = {};

  private constructor(private readonly directory: string) {
    this.stages = stagesOf(readFileSync('Dockerfile', 'utf8'));
  }

  static async build(): Promise<ImageOnDisk> {
    const directory = await mkdtemp(join(tmpdir(), 'trunkline-image-'));
    await chmod(directory, 0o755); // for the image's user
    const image = new ImageOnDisk(directory);
    try {
      for (const stage of image.stages) for (const step of stage.steps) await image.run(stage, step);
      return image;
    } catch (error) {
      await image.remove();
      throw error;
    }
  }

  /** Where the image has its working directory. */
  get root(): string {
    return this.workingDirectory(this.last);
  }

  get environment(): Readonly<Record<string, string>> {
    return this.env;
  }

  get user(): { uid: number; gid: number } {
    const [uid = 0, gid = 0] = (lastOf(this.last, 'USER')?.text ?? '').split(':').map(Number);
    return { uid, gid };
  }

  /** ENTRYPOINT and what follows it: CMD, or other arguments. */
  command(args?: readonly string[]): string[] {
    return [...(lastOf(this.last, 'ENTRYPOINT')?.exec ?? []), ...(args ?? lastOf(this.last, 'CMD')?.exec ?? [])];
  }

  get healthCheck(): readonly string[] {
    return lastOf(this.last, 'HEALTHCHECK')?.exec ?? [];
  }

  remove(): Promise<void> {
    return rm(this.directory, { recursive: true, force: true });
  }

  private get last(): Stage {
    const stage = this.stages.at(-1);
    if (!stage) throw new Error('the Dockerfile has no stage');
    return stage;
  }

  private placeOf(stage: Stage): string {
    return join(this.directory, String(this.stages.indexOf(stage)));
  }

  private workingDirectory(stage: Stage): string {
    return join(this.placeOf(stage), lastOf(stage, 'WORKDIR')?.text ?? '/');
  }

  private async run(stage: Stage, step: Step): Promise<void> {
    const cwd = this.workingDirectory(stage);
    if (step.keyword === 'WORKDIR') await mkdir(cwd, { recursive: true });
    if (step.keyword === 'COPY') await this.copy(cwd, step);
    if (step.keyword === 'RUN') await runIn(cwd, step.text);
    if (step.keyword === 'ENV' && stage === this.last) {
      for (const [, name = '', value = ''] of step.text.matchAll(/(\w+)=(\S+)/g)) this.env[name] = value;
    }
  }

  private async copy(cwd: string, { words, flags }: Step): Promise<void> {
    const from = this.stages.find(({ name }) => name !== undefined && name === flags['from']);
    const target = join(cwd, words.at(-1) ?? '');
    for (const source of words.slice(0, -1)) {
      const path = from ? join(this.placeOf(from), source) : resolve(source);
      const isFile = (await stat(path)).isFile();
      const isInto = isFile && (words.length > 2 || words.at(-1)?.endsWith('/') || words.at(-1) === './');
      await cp(path, isInto ? join(target, basename(path)) : target, { recursive: true, verbatimSymlinks: true });
    }
  }
}

async function runIn(cwd: string, command: string): Promise<void> {
  if (command === INSTALLED_HERE) return symlink(resolve('node_modules'), join(cwd, 'node_modules'));
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], npm_config_prefer_offline: 'true' };
  execFileSync('sh', ['-c', command], { cwd, env, stdio: ['ignore', 'ignore', 'pipe'] });
}
