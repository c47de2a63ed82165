import { mkdir, realpath } from 'node:fs/promises';
import { type Binaries, findBinaries } from './binaries.js';
import { type ClusterDirectory, hasCluster, locateCluster } from './cluster-directory.js';
import { createCluster } from './create-cluster.js';
import { withDirectoryLock } from './directory-lock.js';
import { namingTheRemedy } from './embedded-postgres-error.js';
import { keepPassword } from './password.js';
import { type RunningPostmaster, ensurePostmaster } from './postmaster.js';
import { SharedServer } from './shared-server.js';

export { EmbeddedPostgresError, type EmbeddedPostgresErrorCode } from './embedded-postgres-error.js';

export interface EmbeddedPostgres {
  /** `postgres://trunkline:<password>@127.0.0.1:<port>/trunkline` */
  readonly url: string;
  /** True if the server ran already, false if this call started it. It says nothing about who stops the server. */
  readonly isAdopted: boolean;
  /** Stops the server if nobody else uses it. It may be called again, and when the server is gone already. */
  stop(): Promise<void>;
}

export interface EmbeddedOptions {
  /** The directory of all that is stored, for example `<project>/.trunkline`; it is created if it is missing. */
  readonly directory: string;
  /** The port to listen on; 0 or left out means any free port, the same as last time if possible. */
  readonly port?: number;
  /** Where initdb and pg_ctl are. Left out means in the npm package, otherwise the newest that the system has. */
  readonly binDirectory?: string | undefined;
  /** Extra server settings; they have no effect on a server that runs already. */
  readonly parameters?: Readonly<Record<string, string>>;
  readonly log?: (line: string) => void;
}

/**
 * Starts or adopts a real PostgreSQL for development and demos. It listens on loopback only, keeps its data in
 * `directory`, and is shared by all processes that name the same one. It does not depend on this process: after a crash
 * the server runs on, and the next start adopts it.
 * @throws EmbeddedPostgresError
 */
export async function startEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const { port = 0, parameters = {}, log = () => undefined } = options;
  const directory = await makeDirectory(options.directory);
  return withDirectoryLock(directory, async () => {
    const cluster = await locateCluster(directory);
    const binaries = await findBinaries(cluster.account, options.binDirectory);
    const password = await prepareData(directory, cluster, binaries);
    const running = await ensurePostmaster({ directory, cluster, binaries, port, parameters });
    log(announcement(running, options));
    const place = { directory, cluster, binaries };
    return SharedServer.join(place, { port: running.port, password }, running.isAdopted, log);
  });
}

/** Makes the directory, and resolves links once, so that everything else, the lock included, sees one name. */
async function makeDirectory(directory: string): Promise<string> {
  return namingTheRemedy(async () => {
    await mkdir(directory, { recursive: true });
    return realpath(directory);
  });
}

async function prepareData(directory: string, cluster: ClusterDirectory, binaries: Binaries): Promise<string> {
  const isThere = await hasCluster(cluster.dataDirectory);
  const password = await keepPassword(directory, isThere);
  if (!isThere) await createCluster(binaries, cluster, password);
  return password;
}

function announcement({ port, isAdopted }: RunningPostmaster, options: EmbeddedOptions): string {
  const verb = isAdopted ? 'Using the running' : 'Started the';
  const isElsewhere = options.port && options.port !== port;
  const note = isElsewhere ? ` (not on ${options.port}: it ran already)` : '';
  return `${verb} embedded PostgreSQL on 127.0.0.1:${port}${note}. For development and demos only.`;
}
