import { freePorts } from '../lifecycle/fixtures/free-ports.js';
import { Server } from '../support/server.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';
import { Examples, type Program } from './readme-program.js';
import { TokenDesk } from './token-desk.js';

const LONG_MS = 3_600_000;
/** Each starts processes, one after the other, and a busy machine starts them slowly. */
const TIMEOUT_MS = 180_000;

let database: TestDatabase;
let examples: Examples;
let port: number;
const servers: Server[] = [];
const programs: Program[] = [];
const desks: TokenDesk[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  examples = await Examples.copy();
});

beforeEach(async () => {
  [port = 0] = await freePorts(1);
});

afterEach(async () => {
  await Promise.all(programs.splice(0).map((program) => program.stop()));
  await Promise.all(servers.splice(0).map((server) => server.end('SIGKILL')));
  for (const desk of desks.splice(0)) desk.close();
});

afterAll(async () => {
  await examples.remove();
  await database.drop();
});

/** Always on the same port, as the client knows no other. */
async function serve(env: Record<string, string> = {}): Promise<Server> {
  const server = await Server.start(database.url, { PORT: String(port), ...env });
  servers.push(server);
  return server;
}

function run(name: 'client.mjs' | 'group.mjs', ...args: string[]): Program {
  const program = examples.start(name, ...args);
  programs.push(program);
  return program;
}

/** A client that gets its tokens, which last so long, from a back end. */
async function runWithTokens(user: string, ...ttlMs: number[]): Promise<{ client: Program; desk: TokenDesk }> {
  const desk = await TokenDesk.open(...ttlMs);
  desks.push(desk);
  await examples.save(`http://127.0.0.1:${port}`, desk.url);
  return { client: run('client.mjs', user), desk };
}

/** Whatever it missed comes, too. */
async function expectsNews(client: Program, server: Server, user: string, text: string): Promise<void> {
  await server.rest('POST', '/v1/messages', { channel: `user:${user}`, type: 'news', data: { text } });
  await client.prints(`{ text: '${text}' }`);
}

test(
  'the client of the README, pasted, publishes, receives and acknowledges its message',
  async () => {
    const server = await serve();
    await examples.save(server.url);
    const client = run('client.mjs', 'ann');
    await client.prints(/user:ann#1 from ann: \{ text: 'hello' \}/);
    await client.prints('ok: true');
    await until('the acknowledgement is stored', async () => {
      const cursors = await database.query(
        `select 1 as one from trunkline.cursors where device_id = 'laptop' and channel = 'user:ann' and delivered_seq = 1`,
      );
      return cursors.length === 1;
    });
    const lines = examples.client.split('\n').filter((line) => line.trim() !== '');
    expect(lines.length).toBeLessThanOrEqual(36);
  },
  TIMEOUT_MS,
);

test(
  'the group of the README, pasted, brings what one types to both, also to one who was away',
  async () => {
    const server = await serve();
    await examples.save(server.url);
    const [ann, bob] = [run('group.mjs', 'ann'), run('group.mjs', 'bob')];
    await Promise.all([ann, bob].map((one) => one.prints(/ok: true,\s+channel: 'group:lunch'/)));
    ann.type('pizza?');
    for (const one of [ann, bob]) await one.prints(`group:lunch#1 from ann: { text: 'pizza?' }`);
    await bob.stop();
    ann.type('at noon');
    await ann.prints(`group:lunch#2 from ann: { text: 'at noon' }`);
    const back = run('group.mjs', 'bob');
    await back.prints(`group:lunch#2 from ann: { text: 'at noon' }`);
    expect(back.output).not.toContain('pizza?');
  },
  TIMEOUT_MS,
);

test(
  'a client whose token ends says so and comes back with a fresh one',
  async () => {
    const server = await serve({ TOKEN_NOTICE_MS: '0', TOKEN_CLOCK_TOLERANCE_MS: '0' });
    const { client, desk } = await runWithTokens('cleo', 3_000, LONG_MS);
    await client.prints('ok: true');
    await client.prints('code: 2003');
    await expectsNews(client, server, 'cleo', 'after the end');
    expect(desk.count).toBe(2);
  },
  TIMEOUT_MS,
);

test(
  'a client that is told that its token ends renews it, and shows the new one when it connects again',
  async () => {
    const first = await serve({ TOKEN_NOTICE_MS: '4000', TOKEN_CLOCK_TOLERANCE_MS: '0' });
    const { client, desk } = await runWithTokens('dora', 5_000, LONG_MS);
    await client.prints('ok: true');
    const endsBy = Date.now() + 5_000;
    await until('it has a new token', () => desk.count === 2);
    await until('the old one is past its end', () => Date.now() > endsBy);
    await first.end('SIGKILL');
    const second = await serve({ TOKEN_CLOCK_TOLERANCE_MS: '0' });
    await expectsNews(client, second, 'dora', 'after the renewal');
    expect(client.output).not.toContain('2003');
    expect(desk.count).toBe(2);
  },
  TIMEOUT_MS,
);

test.each(['SIGKILL', 'SIGTERM'] as const)(
  'a client comes back after %s of its server',
  async (signal) => {
    const first = await serve();
    const { client } = await runWithTokens(`emma-${signal.toLowerCase()}`, LONG_MS);
    await client.prints('ok: true');
    await first.end(signal);
    await client.prints('not connected: transport close');
    const second = await serve();
    await expectsNews(client, second, `emma-${signal.toLowerCase()}`, 'after the restart');
  },
  TIMEOUT_MS,
);

test(
  'a client that is refused for good says why and ends',
  async () => {
    await serve();
    const { client } = await runWithTokens('fred', 0);
    await client.prints('code: 2002');
    await until('it has ended', () => client.exitCode !== null);
    expect(client.exitCode).toBe(1);
  },
  TIMEOUT_MS,
);

test(
  'a client that is refused for now comes in when there is room',
  async () => {
    await serve({ MAX_CONNECTIONS: '1' });
    const { client: first } = await runWithTokens('gina', LONG_MS);
    await first.prints('ok: true');
    const { client: second } = await runWithTokens('hugo', LONG_MS);
    await second.prints('not connected:');
    await first.stop();
    await second.prints('ok: true');
  },
  TIMEOUT_MS,
);

test(
  'two hundred clients that come at once all get in, though few may be opening',
  async () => {
    const server = await serve({ MAX_OPENING: '40' });
    const { client } = await runWithTokens('crowd', LONG_MS);
    await client.prints('ok: true');
    const crowd = await examples.startMany(200);
    programs.push(crowd);
    const areIn = async (): Promise<boolean> => {
      const [row] = await database.query<{ n: number }>(
        `select count(distinct user_id)::int as n from trunkline.connections where user_id like 'crowd-%'`,
      );
      return row?.n === 200;
    };
    await until('all are in', areIn, 120_000).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${crowd.output.slice(-2_000)}`);
    });
    expect(crowd.exitCode).toBeNull();
    expect(server.isRunning).toBe(true);
  },
  TIMEOUT_MS,
);
