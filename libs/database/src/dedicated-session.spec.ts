import { FlakyLink } from '../../../test/support/flaky-link.js';
import { createTestDatabase, type TestDatabase } from '../../../test/support/test-database.js';
import { until } from '../../../test/support/until.js';
import {
  DedicatedSession,
  type DedicatedSessionOptions,
  type OpenSession,
  type SessionTenant,
} from './dedicated-session.js';

/** A tenant that listens, and waits for something until it may enter. */
class Tenant implements SessionTenant {
  readonly heard: string[] = [];
  readonly losses: Error[] = [];
  readonly pids: number[] = [];
  isIn = false;
  attempts = 0;
  mayEnter = true;

  async enter(session: OpenSession): Promise<boolean> {
    this.attempts++;
    if (!this.mayEnter) return false;
    this.pids.push(session.backendPid);
    await session.listen(CHANNEL, (payload) => this.heard.push(payload));
    return (this.isIn = true);
  }

  leave(): void {
    this.isIn = false;
  }
}

const CHANNEL = 'dedicated channel';
const NAME = 'dedicated-session-spec';

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

describe('DedicatedSession', () => {
  it('has started when its tenants are in, and brings them what is notified on their channel alone', async () => {
    const tenant = new Tenant();
    await make(tenant).start();
    expect(tenant.isIn).toBe(true);
    await notify('first');
    await test.query(`select pg_notify('somebody else', 'not for us')`);
    await notify('second');
    await until('both are heard', () => tenant.heard.length === 2);
    expect(tenant).toMatchObject({ heard: ['first', 'second'], losses: [], attempts: 1 });
  });

  it('is opened again after it was ended, and its tenants enter the new one', async () => {
    const tenant = new Tenant();
    await make(tenant).start();
    await terminate();
    await until('the tenant is in again', () => tenant.pids.length === 2 && tenant.isIn);
    expect(tenant.losses).not.toEqual([]);
    expect(tenant.pids[1]).not.toBe(tenant.pids[0]);
    await notify('after');
    await until('it hears again', () => tenant.heard.includes('after'));
  });

  it('lets a tenant try again soon, and the others do not enter twice', async () => {
    const [patient, other] = [new Tenant(), new Tenant()];
    patient.mayEnter = false;
    await make(patient, { tenants: [other], heartbeatMs: 60_000 }).start();
    await until('it has tried again', () => patient.attempts >= 3);
    patient.mayEnter = true;
    await until('it is in', () => patient.isIn);
    expect(other.attempts).toBe(1);
  });

  it('is given up when it falls silent, though no error tells of it', async () => {
    const link = await FlakyLink.start(test.url);
    const tenant = new Tenant();
    const session = make(tenant, { url: link.url, heartbeatMs: 100, heartbeatDeadlineMs: 300 });
    try {
      await session.start();
      link.freeze();
      await until('the loss is noticed', () => tenant.losses.length > 0 && !tenant.isIn);
      link.mend();
      await until('the tenant is in again', () => tenant.isIn);
      await notify('through the cable');
      await until('it hears again', () => tenant.heard.includes('through the cable'));
    } finally {
      await session.stop();
      await link.stop();
    }
  });

  it('stops at once while the database is out of reach, and releases who waits for its start', async () => {
    const tenant = new Tenant();
    const session = make(tenant, { url: 'postgres://nobody@127.0.0.1:1/nowhere' });
    const started = session.start();
    await until('it has tried', () => tenant.losses.length > 0);
    await session.stop();
    await started;
    expect(tenant.attempts).toBe(0);
  });

  it('starts at once if no session is possible', async () => {
    const tenant = new Tenant();
    const session = make(tenant, { url: undefined });
    await session.start();
    expect([session.isPossible, tenant.attempts]).toEqual([false, 0]);
  });

  it('can be stopped twice, and before it was started', async () => {
    const tenant = new Tenant();
    const session = make(tenant);
    await session.start();
    await session.stop();
    await session.stop();
    expect(tenant.isIn).toBe(false);
    await make(new Tenant()).stop();
  });
});

type Options = Partial<DedicatedSessionOptions> & { readonly tenants?: readonly SessionTenant[] };

function make(tenant: Tenant, { tenants = [], ...options }: Options = {}): DedicatedSession {
  const onLost = (error: Error): void => void tenant.losses.push(error);
  const session = new DedicatedSession({ url: test.url, applicationName: NAME, onLost, ...options });
  for (const each of [tenant, ...tenants]) session.host(each);
  sessions.push(session);
  return session;
}

async function notify(payload: string): Promise<void> {
  await test.query('select pg_notify($1, $2)', [CHANNEL, payload]);
}

async function terminate(): Promise<void> {
  await test.query('select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1', [NAME]);
}
