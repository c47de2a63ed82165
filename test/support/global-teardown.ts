import { rm } from 'node:fs/promises';

/** Stops the servers and removes their files. */
export default async function teardown(): Promise<void> {
  const started = globalThis.trunklineTestPostgres;
  if (!started) return;
  await started.pooler?.stop();
  await started.postgres.stop();
  await rm(started.directory, { recursive: true, force: true });
}
