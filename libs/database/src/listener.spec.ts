import { FlakyLink } from '../../../test/support/flaky-link.js';
import { createTestDatabase, type TestDatabase } from '../../../test/support/test-database.js';
import { until } from '../../../test/support/until.js';
import { Listener, type ListenerOptions } from './listener.js';

const LOCK = [7_255, 42] as const;

let test: TestDatabase;
let listeners: Heard[];

/** A listener and all that it reported. */
interface Heard {
  readonly listener: Listener;
  readonly payloads: string[];
  readonly losses: Error[];
  listens: number;
  locks: number;
}

beforeEach(async () => {
  listeners = [];
  test = await createTestDatabase();
});
afterEach(async () => {
  await Promise.all(listeners.map(({ listener }) => listener.stop()));
  await test.drop();
});

describe('Listener', () => {
  it('hears what is said on its channel, from the moment it has started', async () => {
    const heard = await start();
    await notify('first');
    await test.query(`select pg_notify('somebody_else', 'not for us')`);
    await notify('second');
    await until('both are heard', () => heard.payloads.length === 2);
    expect(heard).toMatchObject({ payloads: ['first', 'second'], listens: 1, losses: [] });
  });

  it('takes up LISTEN again after its session was ended, and says so, since it may have missed something', async () => {
    const heard = await start();
    await terminate();
    await until('it listens again', () => heard.listens === 2);
    expect(heard.losses).not.toEqual([]);
    await notify('after');
    await until('it hears again', () => heard.payloads.includes('after'));
    expect(heard.listener).toMatchObject({ isListening: true, holdsLock: true });
    expect(heard.locks).toBe(2);
  });

  it('proves its life by a lock that is gone with its session', async () => {
    const first = await start();
    expect(first.listener.holdsLock).toBe(true);
    expect(await lockHolders()).toBe(1);
    await first.listener.stop();
    await until('the lock is free', async () => (await lockHolders()) === 0);
  });

  it('gets the lock at a later heartbeat if somebody else still held it', async () => {
    const first = await start();
    const second = await start({ heartbeatMs: 50 });
    expect(second.listener.holdsLock).toBe(false);
    await first.listener.stop();
    await until('the second holds it', () => second.listener.holdsLock);
  });

  it('gives up a connection that fell silent, though no error tells of it', async () => {
    const link = await FlakyLink.start(test.url);
    try {
      const heard = await start({ url: link.url, heartbeatMs: 100, heartbeatDeadlineMs: 300 });
      link.freeze();
      await until('the loss is noticed', () => heard.losses.length > 0 && !heard.listener.isListening);
      link.mend();
      await until('it listens again', () => heard.listens === 2);
      await notify('through the cable');
      await until('it hears again', () => heard.payloads.includes('through the cable'));
      await heard.listener.stop();
    } finally {
      await link.stop();
    }
  });

  it('takes its lock from its own former session, which the server still believes in', async () => {
    const link = await FlakyLink.start(test.url);
    try {
      const heard = await start({ url: link.url, heartbeatMs: 100, heartbeatDeadlineMs: 300 });
      link.freeze();
      await until('the loss is noticed', () => heard.losses.length > 0 && !heard.listener.isListening);
      expect(await lockHolders()).toBe(1);
      link.mend();
      await until('it holds the lock again', () => heard.listener.isListening && heard.listener.holdsLock);
      await heard.listener.stop();
    } finally {
      await link.stop();
    }
  });

  it('stops at once while the database is out of reach, and releases who waits for its start', async () => {
    const heard = make({ url: 'postgres://nobody@127.0.0.1:1/nowhere' });
    const started = heard.listener.start();
    await until('it has tried', () => heard.losses.length > 0);
    await heard.listener.stop();
    await started;
    expect(heard.listens).toBe(0);
  });

  it('can be stopped twice, and before it was started', async () => {
    const heard = await start();
    await heard.listener.stop();
    await heard.listener.stop();
    expect(heard.listener).toMatchObject({ isListening: false, holdsLock: false });
    const never = make();
    await never.listener.stop();
  });
});

function make(options: Partial<ListenerOptions> = {}): Heard {
  const listener = new Listener({
    url: test.url,
    applicationName: 'listener-spec',
    channel: 'trunkline_listener-spec',
    lockKey: LOCK,
    onNotification: (payload) => heard.payloads.push(payload),
    onListening: () => heard.listens++,
    onLocked: () => heard.locks++,
    onLost: (error) => heard.losses.push(error),
    ...options,
  });
  const heard: Heard = { listener, payloads: [], losses: [], listens: 0, locks: 0 };
  listeners.push(heard);
  return heard;
}

async function start(options: Partial<ListenerOptions> = {}): Promise<Heard> {
  const heard = make(options);
  await heard.listener.start();
  return heard;
}

async function notify(payload: string): Promise<void> {
  await test.query('select pg_notify($1, $2)', ['trunkline_listener-spec', payload]);
}

async function terminate(): Promise<void> {
  await test.query(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'listener-spec'`);
}

async function lockHolders(): Promise<number> {
  const rows = await test.query(
    `select 1 as one from pg_locks where locktype = 'advisory' and classid = $1 and objid = $2
        and database = (select oid from pg_database where datname = current_database())`,
    [...LOCK],
  );
  return rows.length;
}
