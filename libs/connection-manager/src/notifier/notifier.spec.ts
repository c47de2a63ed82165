import { Database, DedicatedSession } from '#database';
import { FlakyLink } from '../../../../test/support/flaky-link.js';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/test-database.js';
import { until } from '../../../../test/support/until.js';
import { Registry } from '../connections/registry.js';
import { Bans } from '../sessions/bans.js';
import { Sessions, type SessionHolder } from '../sessions/sessions.js';
import { addressTo } from './hint.js';
import type { Notifier } from './notifier.port.js';
import { PollingNotifier } from './polling-notifier.js';
import { PostgresNotifier } from './postgres-notifier.js';

/** An instance as far as hints go, and all that it has heard. */
class Instance {
  readonly heard: unknown[] = [];
  readonly errors: unknown[] = [];
  readonly database: Database;
  readonly session: DedicatedSession;
  readonly notifier: Notifier;

  constructor(
    readonly id: string,
    driver: Driver,
    readonly link: FlakyLink,
  ) {
    const ignore = (): void => undefined;
    const { url } = link;
    this.database = new Database({ url, poolSize: 2, applicationName: 'notifier-spec', onError: ignore });
    const timing = { heartbeatMs: 100, heartbeatDeadlineMs: 300 };
    this.session = new DedicatedSession({ url, applicationName: 'notifier-spec', onLost: ignore, ...timing });
    this.notifier = driver.make(this);
    this.notifier.on('channels', (names) => this.heard.push([...names].sort()));
    for (const event of ['sessions-ended', 'commands', 'peer-joined', 'listening', 'lost'] as const) {
      this.notifier.on(event, () => this.heard.push(event));
    }
  }

  async start(): Promise<void> {
    await this.session.start();
    await this.database.rows('work', { name: 'register', text: REGISTER }, [this.id]);
  }

  async stop(): Promise<void> {
    this.link.mend();
    await Promise.all([this.session.stop(), this.database.close()]);
    await this.link.stop();
  }
}

const REGISTER = `insert into trunkline.instances (instance_id, lease_expires_at) values ($1, clock_timestamp() + interval '1 hour')`;

interface Driver {
  readonly name: string;
  /** False if nothing is ever told, so that only polls find what happened. */
  readonly tells: boolean;
  make(instance: Instance): Notifier;
}

const DRIVERS: Driver[] = [
  {
    name: 'PostgresNotifier',
    tells: true,
    make: ({ id, database, session, errors }) =>
      new PostgresNotifier(database, session, {
        instanceId: id,
        hasPeers: () => true,
        onError: (error) => errors.push(error),
      }),
  },
  { name: 'PollingNotifier', tells: false, make: () => new PollingNotifier() },
];

describe.each(DRIVERS)('a notifier: $name', (driver) => {
  const { tells } = driver;
  let test: TestDatabase;
  let here: Instance;
  let there: Instance;

  beforeEach(async () => {
    test = await createTestDatabase();
    const links = await Promise.all([FlakyLink.start(test.url), FlakyLink.start(test.url)]);
    [here, there] = [new Instance('here', driver, links[0]), new Instance('there', driver, links[1])];
    await Promise.all([here.start(), there.start()]);
    for (const { heard } of [here, there]) heard.length = 0;
  });
  afterEach(async () => {
    await Promise.all([here.stop(), there.stop()]);
    await test.drop();
  });

  /** Tells the other instance something last: what it has heard by then is all that it will hear. */
  async function allHeard(instance = there): Promise<unknown[]> {
    if (!tells) return instance.heard;
    await (instance === there ? here : there).notifier.tell(addressTo([instance.id], { kind: 'commands' }));
    await until('the last hint is heard', () => instance.heard.at(-1) === 'commands');
    return instance.heard.slice(0, -1);
  }

  it('says whether hints arrive, and whether anybody would hear one', () => {
    const expected = tells ? ['listening', true] : ['polling', false];
    expect([here.notifier.state, here.notifier.hasAudience]).toEqual(expected);
  });

  it('wakes each other instance that reads one of the channels, and names only what it reads', async () => {
    await read(here, 'user:a', 'group:g');
    await read(there, 'user:a', 'user:b', 'group:g', 'group:other');
    const sent = await here.notifier.wakeReaders(['user:a', 'user:b', 'group:g', 'user:nobody']);
    expect(sent).toBe(tells ? 1 : 0);
    expect(await allHeard()).toEqual(tells ? [['group:g', 'user:a', 'user:b']] : []);
    expect(await allHeard(here)).toEqual([]);
  });

  it('sends nothing when nobody else reads', async () => {
    await read(here, 'user:a');
    await read(there, 'user:z');
    expect(await here.notifier.wakeReaders(['user:a'])).toBe(0);
    expect(await allHeard()).toEqual([]);
  });

  it('names every one of many channels, in hints of a size that can be sent', async () => {
    const channels = Array.from({ length: 230 }, (_, i) => `group:${i}-`.padEnd(200 - (i % 7), 'x'));
    const routes = channels.map((channel) => `presence:${channel}`);
    await read(there, ...channels);
    const sent = await here.notifier.wakeReaders(channels);
    await here.notifier.tell(addressTo(['there'], { kind: 'channels', channels: routes }));
    const heard = await allHeard();
    expect(heard.flat().sort()).toEqual(tells ? [...channels, ...routes].sort() : []);
    if (tells) expect([sent, heard.length]).toEqual([7, 14]);
    expect(here.errors).toEqual([]);
  });

  it('tells the instances named, and never its own', async () => {
    await here.notifier.tell(addressTo(['here', 'there', 'gone'], { kind: 'sessions-ended' }));
    await here.notifier.tell([]);
    expect(await allHeard()).toEqual(tells ? ['sessions-ended'] : []);
    expect(await allHeard(here)).toEqual([]);
  });

  it('announces its instance to all others', async () => {
    await here.notifier.announce();
    expect(await allHeard()).toEqual(tells ? ['peer-joined'] : []);
    expect(await allHeard(here)).toEqual([]);
  });

  it('takes what strangers send for hints about channels at most, and goes on', async () => {
    const payloads = ['', '\n', 'x'.repeat(7_999), '!!', '{"kind":"commands"}', 'user:a\nconstructor\n__proto__'];
    for (const payload of payloads) await test.query('select pg_notify($1, $2)', ['trunkline_there', payload]);
    const heard = await allHeard();
    expect(heard).toHaveLength(tells ? payloads.length - 1 : 0);
    expect(heard.every((hint) => Array.isArray(hint))).toBe(true);
  });

  it('says that hints are missed while the connection is lost, and that they arrive again', async () => {
    there.link.cut();
    if (tells) await until('the loss is noticed', () => there.notifier.state === 'lost');
    await here.notifier.tell(addressTo(['there'], { kind: 'sessions-ended' }));
    there.link.mend();
    if (tells) await until('hints arrive again', () => there.notifier.state === 'listening');
    expect(await allHeard()).toEqual(tells ? ['lost', 'listening'] : []);
  });

  it('fails no caller of tell and announce when hints cannot be sent, and reports it', async () => {
    here.link.cut();
    await here.notifier.tell(addressTo(['there'], { kind: 'sessions-ended' }));
    await here.notifier.announce();
    expect(here.errors).toHaveLength(tells ? 2 : 0);
    if (tells) await expect(here.notifier.wakeReaders(['user:a'])).rejects.toThrow();
    here.link.mend();
    await here.notifier.announce();
    expect(await allHeard()).toEqual(tells ? ['peer-joined'] : []);
  });

  it('loses no revocation and no ban when it is lost itself: the poll of the other instance finds them', async () => {
    const [ann, ben] = [holderOf('ann'), holderOf('ben')];
    const sessions = sessionsOf(there);
    await Promise.all([ann, ben].map(({ login }) => sessions.open(login)));
    for (const holder of [ann, ben]) sessions.hold(holder);
    sessions.start();
    // The sender ends between the statement and the hint, as far as anybody can see.
    here.notifier.tell = () => Promise.resolve();
    try {
      await sessionsOf(here).end({ user: 'ann', sessionId: 'login' }, 'revoked');
      const bans = new Bans(here.database, { notifier: here.notifier, onBanned: () => undefined });
      await bans.ban('ben', { reason: null, until: undefined });
      await until('both are told', () => ann.codes.length > 0 && ben.codes.length > 0);
    } finally {
      await sessions.stop();
    }
    expect([ann.codes[0], ben.codes[0]]).toEqual(['SESSION_ENDED', 'USER_BANNED']);
    expect(there.heard).toEqual([]);
  });

  it('brings a revocation and a ban to the instances with connections of the user, without a poll', async () => {
    await connect(there, 'ann');
    const sessions = sessionsOf(here);
    await sessions.open(holderOf('ann').login);
    await sessions.end({ user: 'ann', sessionId: 'login' }, 'logout');
    await sessions.endAll('ann');
    await new Bans(here.database, { notifier: here.notifier, onBanned: () => undefined }).ban('ann', {
      reason: 'spam',
      until: undefined,
    });
    expect(await allHeard()).toEqual(tells ? ['sessions-ended', 'sessions-ended', 'sessions-ended'] : []);
    expect(await sessions.end({ user: 'ann', sessionId: 'unknown' }, 'logout')).toBe(false);
  });
});

async function read({ id, database }: Instance, ...channels: string[]): Promise<void> {
  const registry = new Registry(database, id);
  for (const channel of channels) registry.openRoute(channel);
  await registry.sync();
}

async function connect({ id, database }: Instance, user: string): Promise<void> {
  const registry = new Registry(database, id);
  registry.addConnection({ connectionId: `c-${user}`, user, deviceId: 'd', address: null, sessionId: 'login' });
  await registry.sync();
}

function sessionsOf({ id, database, notifier }: Instance): Sessions {
  const onError = (error: unknown): never => {
    throw error;
  };
  const times = { pollMs: 100, idleMs: 3_600_000, retentionMs: 3_600_000, clockToleranceMs: 1_000 };
  return new Sessions(database, { instanceId: id, notifier, ...times, onError });
}

function holderOf(user: string): SessionHolder & { readonly codes: string[] } {
  const codes: string[] = [];
  const nowMs = Date.now();
  const issue = { issuedAtMs: nowMs - 10_000, expiresAtMs: nowMs + 3_600_000 };
  return {
    login: { user, sessionId: 'login', tokenId: undefined, deviceId: 'd', address: '::1', userAgent: null, ...issue },
    heldAt: 0,
    codes,
    onSessionEnded: (error) => codes.push(error.errorName),
  };
}
