import { rm } from 'node:fs/promises';

/** Leaves no process and no file behind. */
export default async function teardown(): Promise<void> {
  const started = globalThis.trunklineTestPostgres;
  if (!started) return;
  await started.pooler?.stop();
  await started.postgres.stop();
  await rm(started.directory, { recursive: true, force: true });
}
