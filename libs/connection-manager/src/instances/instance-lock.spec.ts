import { DedicatedSession, type DedicatedSessionOptions } from '#database';
import { FlakyLink } from '../../../../test/support/flaky-link.js';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/test-database.js';
import { until } from '../../../../test/support/until.js';
import { InstanceLock } from './instance-lock.js';

const NAME = 'instance-lock-spec';

let test: TestDatabase;
let sessions: DedicatedSession[];

beforeEach(async () => {
  sessions = [];
  test = await createTestDatabase();
});
afterEach(async () => {
  await Promise.all(sessions.map((session) => session.stop()));
  await test.drop();
});

describe('InstanceLock', () => {
  it('proves an instance alive, and is gone with its session', async () => {
    const { lock, session } = await start();
    expect(lock.isHeld).toBe(true);
    expect(await holders()).toBe(1);
    await session.stop();
    expect(lock.isHeld).toBe(false);
    await until('the lock is free', async () => (await holders()) === 0);
  });

  it('is taken as soon as another process with the id has let it go', async () => {
    const first = await start();
    const second = await start();
    expect(second).toMatchObject({ taken: 0, lock: { isHeld: false } });
    await first.session.stop();
    await until('the second holds it', () => second.lock.isHeld);
    expect(second.taken).toBe(1);
  });

  it('is taken again in a new session, and says so', async () => {
    const held = await start();
    await test.query('select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1', [NAME]);
    await until('it is taken again', () => held.taken === 2);
    expect(held.lock.isHeld).toBe(true);
  });

  it('is taken from its own former session, which the server still believes in', async () => {
    const link = await FlakyLink.start(test.url);
    const held = await start({ url: link.url, heartbeatMs: 100, heartbeatDeadlineMs: 300 });
    try {
      link.freeze();
      await until('the loss is noticed', () => !held.lock.isHeld);
      expect(await holders()).toBe(1);
      link.mend();
      await until('it is held again', () => held.lock.isHeld);
    } finally {
      await held.session.stop();
      await link.stop();
    }
  });

  it('is impossible where no session is', async () => {
    const { lock } = await start({ url: undefined });
    expect([lock.isPossible, lock.isHeld]).toEqual([false, false]);
  });
});

interface Held {
  readonly session: DedicatedSession;
  readonly lock: InstanceLock;
  taken: number;
}

async function start(options: Partial<DedicatedSessionOptions> = {}): Promise<Held> {
  const session = new DedicatedSession({ url: test.url, applicationName: NAME, onLost: () => undefined, ...options });
  const held: Held = { session, lock: new InstanceLock(session, 'one', () => held.taken++), taken: 0 };
  sessions.push(session);
  await session.start();
  return held;
}

async function holders(): Promise<number> {
  const rows = await test.query(
    `select from pg_locks where locktype = 'advisory' and granted
        and database = (select oid from pg_database where datname = current_database())`,
  );
  return rows.length;
}
