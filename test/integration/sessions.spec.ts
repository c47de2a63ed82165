import { PollingNotifier, Sessions, type Login, type SessionHolder } from '#connection-manager';
import { Database, type PoolName, type Statement } from '#database';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

const HOUR_MS = 3_600_000;
const TOLERANCE_MS = 10_000;

let test: TestDatabase;
let database: CountingDatabase;
let sessions: Sessions;

class CountingDatabase extends Database {
  statements = 0;

  override rows<Row>(pool: PoolName, statement: Statement<Row>, values: readonly unknown[] = []): Promise<Row[]> {
    this.statements += 1;
    return super.rows(pool, statement, values);
  }
}

beforeEach(async () => {
  test = await createTestDatabase();
  database = openDatabase();
  sessions = makeSessions(database);
});
afterEach(async () => {
  await sessions.stop();
  await database.close();
  await test.drop();
});

function openDatabase(): CountingDatabase {
  return new CountingDatabase({ url: test.url, poolSize: 4, applicationName: 'logins', onError: () => undefined });
}

function makeSessions(on: Database): Sessions {
  return new Sessions(on, {
    instanceId: 'here',
    pollMs: 50,
    notifier: new PollingNotifier(),
    idleMs: HOUR_MS,
    retentionMs: 24 * HOUR_MS,
    clockToleranceMs: TOLERANCE_MS,
    onError: (error) => {
      throw error;
    },
  });
}

function login(more: Partial<Login> = {}): Login {
  return {
    user: 'ada',
    sessionId: 'sid',
    tokenId: undefined,
    deviceId: 'phone',
    issuedAtMs: Date.now() - 10_000,
    expiresAtMs: Date.now() + HOUR_MS,
    address: '::1',
    userAgent: 'test',
    ...more,
  };
}

class Holder implements SessionHolder {
  ended = 0;
  heldAt = 0;

  constructor(readonly login: Login) {}

  onSessionEnded(): void {
    this.ended += 1;
  }
}

async function reasons(): Promise<Record<string, string | null>> {
  const rows = await test.query<{ session_id: string; end_reason: string | null }>(
    'select session_id, end_reason from trunkline.sessions order by 1',
  );
  return Object.fromEntries(rows.map(({ session_id, end_reason }) => [session_id, end_reason]));
}

it('a storm of 5,000 logins is tens of statements', async () => {
  const logins = Array.from({ length: 5_000 }, (_, n) => login({ user: `user-${n % 4_000}`, sessionId: `s-${n % 7}` }));
  await Promise.all(logins.map((each) => sessions.open(each)));
  expect(database.statements).toBeLessThanOrEqual(50);
  const [counted] = await test.query('select sum(connections)::int as connections from trunkline.sessions');
  expect(counted).toEqual({ connections: 5_000 });
});

it('one refused login of a batch is refused alone', async () => {
  await sessions.open(login({ sessionId: 'over' }));
  await sessions.end({ user: 'ada', sessionId: 'over' }, 'revoked');
  const outcomes = await Promise.allSettled(
    ['a', 'over', 'b', 'over'].map((sessionId) => sessions.open(login({ sessionId }))),
  );
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected']);
});

it('a session with a sid ends for good, whenever its tokens were issued', async () => {
  await sessions.open(login());
  await sessions.end(login(), 'logout');
  await expect(sessions.open(login())).rejects.toThrow(/has ended/);
  await expect(sessions.open(login({ issuedAtMs: Date.now() + 5_000 }))).rejects.toThrow(/has ended/);
});

it('a token from the future is refused, by the database’s clock, and one within the tolerance is not', async () => {
  await expect(sessions.open(login({ issuedAtMs: Date.now() + 60_000 }))).rejects.toThrow(/iat lies ahead/);
  await sessions.open(login({ issuedAtMs: Date.now() + 5_000 }));
});

it('a derived session that ended refuses its tokens, by whoever’s clock, and begins again with another', async () => {
  const derived = { sessionId: 'device:phone' };
  const ahead = login({ ...derived, tokenId: 'old', issuedAtMs: Date.now() + 5_000 });
  const behind = login({ ...derived, tokenId: 'new', issuedAtMs: Date.now() - 5_000 });
  await sessions.open(ahead);
  await sessions.end(ahead, 'revoked');
  await expect(sessions.open(ahead)).rejects.toThrow(/has ended/);
  await expect(sessions.open({ ...ahead, sessionId: 'device:another' })).rejects.toThrow(/has ended/);
  await expect(sessions.open({ ...behind, tokenId: 'hoarded', issuedAtMs: Date.now() - 60_000 })).rejects.toThrow(
    /ended/,
  );
  const [old, young] = [new Holder(ahead), new Holder(behind)];
  await sessions.open(behind);
  sessions.hold(old);
  sessions.hold(young);
  sessions.start();
  await until('the holder of the old token is told, though the session goes on', () => old.ended > 0);
  expect(young.ended).toBe(0);
  await expect(sessions.open(ahead)).rejects.toThrow(/has ended/);
  expect(await reasons()).toEqual({ 'device:phone': null });
});

it('a token that was refused is remembered until nobody would let it in any more', async () => {
  const old = login({ sessionId: 'device:phone', tokenId: 'old', expiresAtMs: Date.now() - TOLERANCE_MS - 1_000 });
  const late = login({ sessionId: 'device:phone', tokenId: 'late', expiresAtMs: Date.now() - TOLERANCE_MS + 5_000 });
  for (const each of [old, late]) await sessions.open(each);
  await sessions.end(late, 'logout');
  expect(await sessions.forgetTokens()).toBe(1);
  await expect(sessions.open(late)).rejects.toThrow(/has ended/);
});

it('a ban is forgotten when it ended long ago, and no other', async () => {
  await test.query(
    `insert into trunkline.bans (user_id, banned_until)
     values ('ada', default), ('ben', now() - interval '23 hours'), ('cid', now() - interval '25 hours')`,
  );
  expect(await sessions.forgetBans(true)).toBe(1);
  expect(await sessions.forgetBans()).toBe(1);
  const left = await test.query('select user_id from trunkline.bans order by 1');
  expect(left).toEqual([{ user_id: 'ada' }, { user_id: 'ben' }]);
});

it('what is past its token’s end or idle for long ends by itself, and may begin again; what is connected goes on', async () => {
  const minutesAgo = Date.now() - 60_000;
  await sessions.open(login({ sessionId: 'expired', expiresAtMs: minutesAgo }));
  for (const sessionId of ['idle', 'connected', 'fresh']) await sessions.open(login({ sessionId }));
  await test.query(
    `update trunkline.sessions set last_activity_at = clock_timestamp() - interval '2 hours'
      where session_id in ('idle', 'connected')`,
  );
  await test.query(
    `insert into trunkline.connections (user_id, connection_id, device_id, instance_id, session_id)
     values ('ada', 'c', 'phone', 'here', 'connected')`,
  );
  expect(await sessions.endOverdue()).toBe(2);
  expect(await reasons()).toEqual({ connected: null, expired: 'expired', fresh: null, idle: 'inactive' });
  expect(await sessions.endOverdue()).toBe(0);
  await sessions.open(login({ sessionId: 'idle' }));
  expect(await reasons()).toMatchObject({ idle: null });
});

it('what ended long ago is forgotten, but for revocations of tokens that are still valid', async () => {
  await sessions.open(login({ sessionId: 'over', expiresAtMs: Date.now() - 11_000 }));
  for (const sessionId of ['valid', 'lately', 'open']) await sessions.open(login({ sessionId }));
  for (const sessionId of ['over', 'valid', 'lately']) await sessions.end({ user: 'ada', sessionId }, 'revoked');
  await test.query(
    `update trunkline.sessions set ended_at = clock_timestamp() - interval '2 days' where session_id in ('over', 'valid')`,
  );
  expect(await sessions.forgetEnded()).toBe(1);
  expect(Object.keys(await reasons())).toEqual(['lately', 'open', 'valid']);
});

it('an instance without connections asks for nothing', async () => {
  const other = openDatabase();
  const busy = makeSessions(other);
  const holder = new Holder(login());
  busy.hold(holder);
  for (const each of [sessions, busy]) each.start();
  sessions.lookSoon();
  await until('another has asked many times', () => other.statements > 5);
  expect(database.statements).toBe(0);
  sessions.hold(holder);
  await until('it asks', () => database.statements > 0);
  await busy.stop();
  await other.close();
});
