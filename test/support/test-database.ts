import { randomBytes } from 'node:crypto';
import { migrate } from '#database';
import { MIGRATIONS } from '../../migrations/index.js';
import { connectPlainly, EVIL_FUNCTIONS, settingStatements, WITH_SETTINGS } from './hostile-settings.js';

const TEMPLATE = 'trunkline_template';

export interface TestDatabase {
  readonly url: string;
  /** Runs one statement on a connection of its own. Rows are objects. */
  query<Row extends Record<string, unknown>>(text: string, values?: unknown[]): Promise<Row[]>;
  drop(): Promise<void>;
}

export async function createTemplate(url: string): Promise<void> {
  await onServer(url, `create database ${TEMPLATE}`);
  await migrate(withDatabase(url, TEMPLATE), MIGRATIONS);
}

/** Tells where {@link createTestDatabase} makes databases, in a program that starts a PostgreSQL of its own. */
export function useTestServer(url: string): void {
  process.env['TRUNKLINE_TEST_URL'] = url;
}

/** Makes a database with the schema by copying the template, which takes milliseconds because no migration runs. */
export function createTestDatabase(): Promise<TestDatabase> {
  return createFrom(TEMPLATE);
}

/** Makes a database without the schema, for tests that migrate it themselves. */
export function createEmptyDatabase(): Promise<TestDatabase> {
  return createFrom('template1');
}

async function createFrom(template: string): Promise<TestDatabase> {
  const server = process.env['TRUNKLINE_TEST_URL'];
  if (server === undefined) throw new Error('no test server: run the tests with npm test');
  const name = `test_${randomBytes(6).toString('hex')}`;
  await onServer(server, `create database ${name} template ${template}`);
  const url = withDatabase(server, name);
  await makeHostile(url, process.env[WITH_SETTINGS]);
  return {
    url,
    query: (text, values) => query(url, text, values),
    drop: () => onServer(server, `drop database if exists ${name} with (force)`),
  };
}

/** Gives the database settings that nobody would want, see {@link HOSTILE_SETTINGS}. */
export async function makeHostile(url: string, settings: string | undefined): Promise<void> {
  if (settings === undefined) return;
  await query(url, EVIL_FUNCTIONS);
  for (const text of settingStatements(new URL(url).pathname.slice(1), settings)) await unlessUnknown(query(url, text));
}

/** Ignores that a setting is unknown, because versions differ in the settings they have. */
async function unlessUnknown(done: Promise<unknown>): Promise<void> {
  const UNDEFINED_OBJECT = '42704';
  await done.catch((error: unknown) => {
    if ((error as { code?: unknown }).code !== UNDEFINED_OBJECT) throw error;
  });
}

export async function query<Row>(url: string, text: string, values: unknown[] = []): Promise<Row[]> {
  const client = await connectPlainly({ connectionString: url });
  try {
    return (await client.query(text, values)).rows as Row[];
  } finally {
    await client.end();
  }
}

async function onServer(url: string, text: string): Promise<void> {
  await query(withDatabase(url, 'postgres'), text);
}

function withDatabase(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.href;
}
