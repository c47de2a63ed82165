import fc from 'fast-check';
import { Client } from 'pg';
import { createTestDatabase, type TestDatabase } from '../../../test/support/test-database.js';
import { textArray } from './text-array.js';

let test: TestDatabase;
let client: Client;

beforeAll(async () => {
  test = await createTestDatabase();
  client = new Client({ connectionString: test.url });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await test.drop();
});

async function through(values: readonly (string | null)[]): Promise<unknown> {
  const { rows } = await client.query<{ back: unknown }>('select to_json($1::text[]) as back', [textArray(values)]);
  return rows[0]?.back;
}

describe('textArray', () => {
  it.each([
    ['nothing', []],
    ['null and what looks like it', [null, 'null', 'NULL', '']],
    ['what would have to be escaped', ['"', '\\', '{a,b}', ',', "'", '\n', ' x ']],
    ['every length of UTF-8', ['a', 'é', '€', '😀', 'a'.repeat(70_000)]],
  ])('brings %s to PostgreSQL as it is', async (_, values) => {
    expect(await through(values)).toEqual(values);
  });

  it('brings whatever there is', async () => {
    const text = fc.string({ unit: 'grapheme' }).filter((value) => !value.includes('\0'));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.option(text)), async (values) => expect(await through(values)).toEqual(values)),
    );
  });
});
