import { Server } from '../support/server.js';
import { seeded } from '../support/seeded.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { runFrameStorm, STORM_ENV } from '../security/frame-storm-run.js';

const { seed } = seeded();
const MINUTE_MS = 60_000;

let database: TestDatabase;
let server: Server;

beforeAll(async () => {
  database = await createTestDatabase();
  server = await Server.start(database.url, STORM_ENV);
});
afterAll(async () => {
  await server?.end('SIGKILL');
  await database?.drop();
});

it(
  `a minute of random frames ends nobody but their senders, and nothing of them is left, seed ${seed}`,
  async () => {
    const result = await runFrameStorm({
      server,
      databaseUrl: database.url,
      seed,
      sequences: Infinity,
      maxMs: MINUTE_MS,
    });
    expect(result.faults).toEqual([]);
    expect(result.sequences).toBeGreaterThan(100);
    expect(result.letIn).toBeGreaterThan(result.sequences / 4);
  },
  MINUTE_MS * 3,
);
