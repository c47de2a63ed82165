import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { EmbeddedPostgresError, codeOf } from './embedded-postgres-error.js';

const ADDRESS = '127.0.0.1';

/** Returns the wanted port; if that is 0, the one of last time if it is free, otherwise any free one. */
export async function choosePort(directory: string, wanted: number): Promise<number> {
  if (wanted !== 0) {
    if ((await tryListen(wanted)) === undefined) throw portInUse(wanted);
    return wanted;
  }
  const last = await lastPort(directory);
  const port = (last && (await tryListen(last))) || (await tryListen(0));
  if (port === undefined) throw portInUse(0);
  return port;
}

export async function rememberPort(directory: string, port: number): Promise<void> {
  await writeFile(portFile(directory), `${port}\n`);
}

function portFile(directory: string): string {
  return join(directory, 'pg-port');
}

async function lastPort(directory: string): Promise<number | undefined> {
  try {
    const port = Number(await readFile(portFile(directory), 'utf8'));
    return port > 0 && port < 65_536 ? port : undefined;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Returns the port that could be listened on (0 asks for any); undefined means that it is taken or not allowed. */
function tryListen(port: number): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', (error) => {
      if (['EADDRINUSE', 'EACCES'].includes(codeOf(error) ?? '')) resolve(undefined);
      else reject(error);
    });
    server.listen({ port, host: ADDRESS, exclusive: true }, () => {
      const address = server.address();
      const bound = typeof address === 'object' ? address?.port : undefined;
      server.close(() => resolve(bound));
    });
  });
}

export function portInUse(port: number, cause?: unknown): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    'EMBEDDED_PORT_IN_USE',
    `Port ${port} of ${ADDRESS} is taken or not allowed.`,
    'End the program that listens there, choose another port, or leave it out for any free one.',
    cause,
  );
}
