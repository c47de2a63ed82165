import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inSchema, lockClass, notifyChannel } from './in-schema.js';

const ROOT = join(import.meta.dirname, '../../..');
/** The words that keep our name in every schema: a type of messages and its prefix, the publisher of receipts, an error's text. */
const OF_ALL =
  /'trunkline', (?:m\.sender|'trunkline\.receipt')|'trunkline\.receipt'|'trunkline\.%'|''trunkline''|'trunkline \d{4}: |begin with trunkline\.'/g;

describe('inSchema', () => {
  it('leaves a statement of the default schema as it is', () => {
    const text = `select pg_notify('trunkline_' || id, '!') from trunkline.instances`;
    expect(inSchema(text, 'trunkline')).toBe(text);
  });

  it('writes names, also in texts, for another schema', () => {
    expect(inSchema(`select trunkline.inbox(u) from trunkline.users`, 'order')).toBe(
      `select "order".inbox(u) from "order".users`,
    );
    expect(inSchema(`format('drop table trunkline.%I, trunkline.%1$I', n)`, 'b')).toBe(
      `format('drop table "b".%I, "b".%1$I', n)`,
    );
    expect(inSchema(`'trunkline'::regnamespace`, 'b')).toBe(`'"b"'::regnamespace`);
    expect(inSchema(`pg_notify('trunkline_' || id)`, 'b')).toBe(`pg_notify('b:' || id)`);
  });

  it('leaves the types of our messages alone', () => {
    const text = `type = 'trunkline.receipt' or type like 'trunkline.%' or publisher = 'trunkline'`;
    expect(inSchema(text, 'b')).toBe(text);
  });

  it('gives each schema locks and NOTIFY channels of its own', () => {
    const [ours, theirs] = ['trunkline', 'billing_chat'].map((schema) =>
      [7255, 7256, 7257, 7258, 7259].map((each) => lockClass(each, schema)),
    );
    expect(ours).toEqual([7255, 7256, 7257, 7258, 7259]);
    expect(new Set([...(ours ?? []), ...(theirs ?? [])]).size).toBe(10);
    expect(Math.max(...(theirs ?? []))).toBeLessThan(2 ** 31);
    expect(inSchema('pg_advisory_xact_lock(7257, 1)', 'billing_chat')).toBe(`pg_advisory_xact_lock(${theirs?.[2]}, 1)`);
    expect(notifyChannel('trunkline', 'a_b')).toBe('trunkline_a_b');
    expect(notifyChannel('trunkline_a', 'b')).toBe('trunkline_a:b');
  });

  it.each([
    ['libs', /\/sql\/.*\.ts$/],
    ['migrations', /^\d+-.*\.sql$/],
  ])('finds the schema wherever a file of %s names it', async (folder, pattern) => {
    const files = (await readdir(join(ROOT, folder), { recursive: true })).filter((file) => pattern.test(file));
    expect(files.length).toBeGreaterThan(10);
    for (const file of files) {
      const text = inSchema(await readFile(join(ROOT, folder, file), 'utf8'), 'other').replace(OF_ALL, '');
      expect([file, text.match(/.*trunkline.*|.*lock\(725.*/g)]).toEqual([file, null]);
    }
  });
});
