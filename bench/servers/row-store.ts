import { randomUUID } from 'node:crypto';
import { Pool } from 'pg';

export const ROW_TABLES = `
  create table connections (connection_id text primary key, user_id text not null, instance text not null);
  create index on connections (user_id);
  create table members (channel text not null, user_id text not null, primary key (channel, user_id));
  create table messages (
    id uuid primary key, channel text not null, sender text not null, type text not null, body jsonb not null,
    status text not null default 'pending', created_at timestamptz not null default now(), delivered_at timestamptz
  );
  create index on messages (channel, created_at) where status = 'pending';
  create table attempts (
    id bigint generated always as identity primary key, message_id uuid not null references messages (id),
    connection_id text not null, status text not null, created_at timestamptz not null default now()
  );
  create index on attempts (message_id)`;

export interface RowMessage {
  readonly id: string;
  readonly channel: string;
  readonly sender: string;
  readonly type: string;
  readonly data: unknown;
}

interface Recipient {
  readonly connection_id: string;
  readonly instance: string;
}

const POOL_SIZE = 10;

/**
 * Stores messages by the usual design: a row for everything, and a statement, with a commit of its own, for every step.
 */
export class RowStore {
  private readonly pool: Pool;

  constructor(
    url: string,
    private readonly instance: string,
  ) {
    this.pool = new Pool({ connectionString: url, max: POOL_SIZE });
  }

  async insertMessage(message: Omit<RowMessage, 'id'>): Promise<RowMessage> {
    const id = randomUUID();
    const { channel, sender, type, data } = message;
    const text = 'insert into messages (id, channel, sender, type, body) values ($1, $2, $3, $4, $5)';
    await this.pool.query({ name: 'insert-message', text, values: [id, channel, sender, type, JSON.stringify(data)] });
    return { ...message, id };
  }

  async findConnections(channel: string): Promise<Recipient[]> {
    const text = channel.startsWith('user:')
      ? `select connection_id, instance from connections where user_id = substr($1, 6)`
      : `select connection_id, instance from members join connections using (user_id) where channel = $1`;
    const { rows } = await this.pool.query<Recipient>({ name: `find-${channel.slice(0, 4)}`, text, values: [channel] });
    return rows;
  }

  async markDelivered(id: string): Promise<void> {
    const text = `update messages set status = 'delivered', delivered_at = now() where id = $1`;
    await this.pool.query({ name: 'mark-delivered', text, values: [id] });
  }

  async insertAttempt(id: string, connectionId: string): Promise<void> {
    const text = `insert into attempts (message_id, connection_id, status) values ($1, $2, 'delivered')`;
    await this.pool.query({ name: 'insert-attempt', text, values: [id, connectionId] });
  }

  async notify(instance: string, payload: string): Promise<void> {
    await this.pool.query({ name: 'notify', text: 'select pg_notify($1, $2)', values: [instance, payload] });
  }

  async addConnection(connectionId: string, user: string): Promise<void> {
    const text = 'insert into connections (connection_id, user_id, instance) values ($1, $2, $3)';
    await this.pool.query({ name: 'add-connection', text, values: [connectionId, user, this.instance] });
  }

  async removeConnection(connectionId: string): Promise<void> {
    await this.pool.query('delete from connections where connection_id = $1', [connectionId]);
  }

  async join(channel: string, user: string): Promise<void> {
    await this.pool.query('insert into members (channel, user_id) values ($1, $2) on conflict do nothing', [
      channel,
      user,
    ]);
  }
}
