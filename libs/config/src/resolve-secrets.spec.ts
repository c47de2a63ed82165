import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { readSettings } from './read-settings.js';
import { resolveSecrets, type Secrets } from './resolve-secrets.js';

const WRITTEN = 'a secret that a person thought of, for tests';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'trunkline-secrets-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

describe('resolveSecrets', () => {
  it('takes what is set and writes nothing down', async () => {
    const given = {
      JWT_SECRET: 'a-secret-for-tests-and-for-nothing-else',
      API_KEYS: `a:${'y'.repeat(16)},b:${'z'.repeat(16)}`,
    };
    const settings = readSettings({ ...given, TRUNKLINE_DIR: join(directory, 'never-made') });
    expect(resolveSecrets(settings)).toEqual({ jwtSecret: given.JWT_SECRET, apiKeys: given.API_KEYS.split(',') });
    await expect(stat(join(directory, 'never-made'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('makes what is left out once, and finds it again', () => {
    const first = resolve(join(directory, 'new'));
    expect(first.jwtSecret.length).toBeGreaterThanOrEqual(43); // 32 random bytes
    expect(first.apiKeys).toEqual([expect.stringMatching(/^development:\S{43}$/)]);
    expect(resolve(join(directory, 'new'))).toEqual(first);
    expect(resolve(join(directory, 'other')).jwtSecret).not.toBe(first.jwtSecret);
  });

  it('keeps them readable by their owner alone', async () => {
    resolve(directory);
    for (const name of ['jwt-secret', 'api-key']) {
      const { mode } = await stat(join(directory, name));
      expect([name, (mode & 0o777).toString(8)]).toEqual([name, '600']);
    }
  });

  it('takes a secret that a person wrote with an editor, without its line end', async () => {
    await writeFile(join(directory, 'jwt-secret'), `${WRITTEN}\n`);
    expect(resolve(directory).jwtSecret).toBe(WRITTEN);
  });

  it('refuses what a person wrote there if it is no secret', async () => {
    await writeFile(join(directory, 'jwt-secret'), 's'.repeat(40));
    expect(() => resolve(directory)).toThrow('jwt-secret is too easy to guess');
  });

  it('gives instances that start at the same moment the same whole secret', async () => {
    const barrier = new SharedArrayBuffer(4);
    const [one = [], other = []] = await Promise.all([resolveInThread(barrier), resolveInThread(barrier)]);
    expect(one).toHaveLength(ROUNDS);
    expect(one.filter((secret, round) => secret.length < 43 || secret !== other[round])).toEqual([]);
  });
});

function resolve(inDirectory: string): Secrets {
  return resolveSecrets(readSettings({ TRUNKLINE_DIR: inDirectory }));
}

const BUILT = new URL('../../../dist/libs/config/src/index.js', import.meta.url).href;
const ROUNDS = 300;

/** Resolves the secrets in another thread, as a process would: within one thread nothing can come in between. */
function resolveInThread(barrier: SharedArrayBuffer): Promise<string[]> {
  const source = `
    const { parentPort, workerData: { module, directory, barrier, rounds } } = require('node:worker_threads');
    const arrived = new Int32Array(barrier);
    import(module).then(({ readSettings, resolveSecrets }) => {
      const secrets = [];
      for (let round = 1; round <= rounds; round++) {
        Atomics.add(arrived, 0, 1);
        while (Atomics.load(arrived, 0) < 2 * round);
        secrets.push(resolveSecrets(readSettings({ TRUNKLINE_DIR: directory + '/' + round })).jwtSecret);
      }
      parentPort.postMessage(secrets);
    });`;
  const workerData = { module: BUILT, directory, barrier, rounds: ROUNDS };
  const worker = new Worker(source, { eval: true, workerData });
  return new Promise((done, failed) => {
    worker.once('message', done);
    worker.once('error', failed);
  });
}
