import { randomUUID } from 'node:crypto';
import { Pool } from 'pg';
import { APPEND_BODY } from '../append/append-loop.js';

const TABLE = `
  create table bench_messages (
    id uuid primary key, recipient text not null, sender text not null, type text not null, body jsonb not null,
    status text not null default 'pending', created_at timestamptz not null default now(), sent_at timestamptz
  );
  create index on bench_messages (recipient, created_at) where status = 'pending'`;

/**
 * Stores messages by the usual design: a row is inserted, and updated once it has been sent. Each statement is a commit
 * of its own.
 */
export async function rowPerMessage(
  url: string,
): Promise<{ store: (channel: string) => Promise<void>; close: () => Promise<void> }> {
  const pool = new Pool({ connectionString: url, max: 8 });
  await pool.query(TABLE);
  const store = async (channel: string): Promise<void> => {
    const id = randomUUID();
    await pool.query({
      name: 'insert',
      text: 'insert into bench_messages (id, recipient, sender, type, body) values ($1, $2, $3, $4, $5)',
      values: [id, channel, 'bench', 'bench', APPEND_BODY],
    });
    await pool.query({
      name: 'update',
      text: `update bench_messages set status = 'sent', sent_at = now() where id = $1`,
      values: [id],
    });
  };
  return { store, close: () => pool.end() };
}
