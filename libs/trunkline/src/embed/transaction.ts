import { inSchema } from '#database';
import type { BackendPublish, BackendSchedule } from '#protocol';

/** An EntityManager of TypeORM, a client of `pg`, or anything else that runs SQL in a transaction. */
export interface Queryable {
  query(text: string, values: unknown[]): Promise<unknown>;
}

const PUBLISH = 'select trunkline.publish($1, $2, $3::text, $4::jsonb) as id';

/** Publishes as a part of somebody's transaction: committed with it, or rolled back with it. */
export class TransactionalPublisher {
  private readonly text: string;

  constructor(
    private readonly queryable: Queryable,
    schema: string,
  ) {
    this.text = inSchema(PUBLISH, schema);
  }

  /**
   * Stores the message in the outbox; it enters its channel soon after the commit.
   * @returns the id of the message
   */
  async publish(message: BackendPublish | BackendSchedule): Promise<string> {
    const { channel, type, data, ...options } = message;
    const values = [channel, type, JSON.stringify(data), JSON.stringify(options)];
    const result = await this.queryable.query(this.text, values);
    const rows = Array.isArray(result) ? result : (result as { rows: unknown[] }).rows;
    return (rows as { id: string }[])[0]?.id ?? '';
  }
}
