import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { migrate } from '#database';
import { MIGRATIONS } from '../../migrations/index.js';
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

const NAMES = MIGRATIONS.map(({ name }) => name);

let test: TestDatabase;

afterEach(async () => {
  jest.restoreAllMocks();
  await test.drop();
});

describe('migrations', () => {
  it('are all SQL files of their folder, in the order of their numbers', async () => {
    test = await createEmptyDatabase();
    const files = await readdir(join(import.meta.dirname, '../../migrations'));
    const numbered = files.filter((file) => /^\d{4}-.+\.sql$/.test(file)).sort();
    expect(NAMES).toEqual(numbered.map((file) => `${file.slice(5, -4)}_${file.slice(0, 4).padStart(13, '0')}`));
  });

  it('are applied in order to an empty database, and not again', async () => {
    test = await createEmptyDatabase();
    expect(await migrate(test.url, MIGRATIONS)).toEqual(NAMES);
    const before = await schema();
    expect(await migrate(test.url, MIGRATIONS)).toEqual([]);
    expect(await schema()).toEqual(before);
  });

  it('are applied by one of ten instances that start at once, while nine wait', async () => {
    test = await createEmptyDatabase();
    const applied = await Promise.all(Array.from({ length: 10 }, () => migrate(test.url, MIGRATIONS)));
    expect(applied.filter((names) => names.length > 0)).toEqual([NAMES]);
    const rows = await test.query('select name from trunkline.migrations order by id');
    expect(rows.map(({ name }) => name)).toEqual(NAMES);
  });

  it('leave nothing of one that fails, and let the next start try again', async () => {
    test = await createTestDatabase();
    class Broken1999999999999 {
      up = async (runner: { query(text: string): Promise<unknown> }): Promise<void> => {
        await runner.query('create table trunkline.half_done ()');
        await runner.query('create table trunkline.channels ()');
      };
      down = (): Promise<void> => Promise.resolve();
    }
    const before = await schema();
    jest.spyOn(console, 'log').mockImplementation(() => undefined); // TypeORM's, whatever its `logging`
    await expect(migrate(test.url, [...MIGRATIONS, Broken1999999999999])).rejects.toMatchObject({ code: '42P07' });
    expect(await schema()).toEqual(before);
    expect(await migrate(test.url, MIGRATIONS)).toEqual([]);
  });

  it('refuse a schema that a version before the first release made, and leave it as it is', async () => {
    test = await createEmptyDatabase();
    await test.query('create schema trunkline');
    await test.query('create table trunkline.migrations (id serial primary key, timestamp bigint, name varchar)');
    await test.query(
      `insert into trunkline.migrations (timestamp, name) values (1763600000000, 'Messages1763600000000')`,
    );
    const before = await schema();
    await expect(migrate(test.url, MIGRATIONS)).rejects.toThrow(
      /^the schema trunkline .* was made by a version before the first release, .*DROP SCHEMA "trunkline" CASCADE/,
    );
    expect(await schema()).toEqual(before);
  });

  it('leave no session and no lock behind', async () => {
    test = await createTestDatabase();
    await migrate(test.url, MIGRATIONS);
    const sessions = (): Promise<object[]> =>
      test.query(
        `select from pg_stat_activity where datname = current_database() and application_name = 'trunkline-migrate'`,
      );
    await until('all sessions are gone', async () => (await sessions()).length === 0);
  });
});

function schema(): Promise<object[]> {
  return test.query(
    `select table_name, column_name, data_type from information_schema.columns
      where table_schema = 'trunkline' order by table_name, ordinal_position`,
  );
}
