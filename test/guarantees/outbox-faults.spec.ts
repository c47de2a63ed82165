import { Outbox } from '#message-persistence';
import { openLog, type OpenLog } from '../support/open-log.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';

let test: TestDatabase;
let instance: OpenLog;
let outbox: Outbox;

beforeEach(async () => {
  test = await createTestDatabase();
  instance = openLog(test.url);
  outbox = open();
  // Whatever can be wrong with one message: PostgreSQL says it with the SQLSTATE that stands in its body.
  await test.query(`
    create function trap() returns trigger language plpgsql as $$
    begin
      raise exception 'trapped' using errcode = trim(both '"' from new.body);
    end $$;
    create trigger trap before insert on trunkline.messages for each row when (new.body <> '"fine"') execute function trap();
    -- Also in sessions that replay what another server did: session_replication_role = replica.
    alter table trunkline.messages enable always trigger trap`);
});
afterEach(async () => {
  await instance.database.close();
  await test.drop();
});

function open(): Outbox {
  return new Outbox(instance.database, { dedupeHours: 24, defaultTtlMs: { user: 0, group: 0, broadcast: 0 } });
}

const publish = (...bodies: string[]): Promise<unknown> =>
  test.query(`select trunkline.publish('user:ann', 't', to_jsonb(body)) from unnest($1::text[]) as body`, [bodies]);

const stored = async (): Promise<number> => (await test.query('select from trunkline.messages')).length;

const waiting = (): Promise<Record<string, unknown>[]> =>
  test.query('select body, error from trunkline.outbox order by id');

describe('a message that fails to enter its channel', () => {
  it.each(['22P02', '23514', '54000', '55000', 'P0001', '42501', 'XX000', 'F0000'])(
    'holds up no other and is put aside with its error: %s',
    async (state) => {
      await publish('fine', state, 'fine', state, 'fine');
      const { moved, putAside } = await outbox.drain();
      expect(moved.map(({ seq }) => seq)).toEqual([1, 2, 3]);
      expect(putAside).toEqual([
        { id: expect.any(String), error: 'trapped' },
        { id: expect.any(String), error: 'trapped' },
      ]);
      expect(await waiting()).toEqual([
        { body: `"${state}"`, error: 'trapped' },
        { body: `"${state}"`, error: 'trapped' },
      ]);
      expect(await outbox.drain()).toEqual({ moved: [], putAside: [] });
    },
  );

  it('goes on once its error is taken away', async () => {
    await publish('fine', '55000');
    await outbox.drain();
    await test.query('drop trigger trap on trunkline.messages');
    await test.query('update trunkline.outbox set error = null');
    expect((await outbox.drain()).moved).toMatchObject([{ seq: 2 }]);
  });

  it('is put aside alone when two instances meet it at the same moment', async () => {
    await publish('55000', ...Array.from({ length: 30 }, () => 'fine'));
    const drains = await Promise.all([outbox.drain(), open().drain(), open().drain()]);
    expect(drains.flatMap(({ putAside }) => putAside)).toHaveLength(1);
    while ((await outbox.drain()).moved.length > 0);
    expect(await stored()).toBe(30);
    expect(await waiting()).toEqual([{ body: '"55000"', error: 'trapped' }]);
  });
});

describe('what fails for every message', () => {
  it('puts none aside: all go on when it is mended', async () => {
    await publish('fine', 'fine', 'fine');
    await test.query('alter table trunkline.messages rename to elsewhere');
    await expect(outbox.drain()).rejects.toMatchObject({ code: '42P01' });
    expect((await waiting()).map(({ error }) => error)).toEqual([null, null, null]);
    await test.query('alter table trunkline.elsewhere rename to messages');
    expect((await outbox.drain()).moved).toHaveLength(3);
  });

  it('is tried again when it is the database that is away', async () => {
    await publish('fine', '53100', 'fine');
    await expect(outbox.drain()).rejects.toMatchObject({ code: '53100' });
    expect((await waiting()).map(({ error }) => error)).toEqual([null, null, null]);
  });
});
