import { Lease, PollingNotifier } from '#connection-manager';
import { Database, type Statement } from '#database';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

/** Runs a statement of this name once, and loses its answer. */
class ForgetfulDatabase extends Database {
  loses: string | undefined;

  override async rows<Row>(statement: Statement<Row>, values: readonly unknown[] = []): Promise<Row[]> {
    const rows = await super.rows(statement, values);
    if (statement.name !== this.loses) return rows;
    this.loses = undefined;
    throw new Error('the connection broke');
  }
}

let test: TestDatabase;
let database: ForgetfulDatabase;

beforeEach(async () => {
  test = await createTestDatabase();
  database = new ForgetfulDatabase({ url: test.url, poolSize: 1, applicationName: 'lease', onError: () => undefined });
});
afterEach(async () => {
  await database.close();
  await test.drop();
});

it.each(['register_instance', 'renew_lease'])(
  'the registry is written again after a crash of PostgreSQL, also if the answer to %s is lost',
  async (name) => {
    const renewals: boolean[] = [];
    const errors: unknown[] = [];
    const lease = new Lease(database, {
      ...{ instanceId: 'here', leaseMs: 60_000, beatMs: 100, notifier: new PollingNotifier(), canLock: false },
      holdsLock: () => false,
      onRenewed: (wasMissing) => Promise.resolve(void renewals.push(wasMissing)),
      onLost: () => errors.push('lost'),
      onError: (error) => errors.push(error),
    });
    await lease.start();
    try {
      await until('it is renewed', () => renewals.length > 1);
      // A crash empties both tables.
      await test.query('truncate trunkline.instances, trunkline.registry_origin');
      database.loses = name;
      await until('it is written again', () => renewals.includes(true));
      expect(errors).toEqual([new Error('the connection broke')]);
      await until('once', () => renewals.at(-1) === false);
    } finally {
      await lease.stop();
    }
  },
);
