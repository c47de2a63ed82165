import type { z } from 'zod';
import { ProtocolError } from '#protocol';

/** Makes the cursor of the next page from the key of the last row, in a form that nobody is tempted to make up. */
export function writeCursor(key: readonly unknown[]): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url');
}

/** Returns the key that a cursor stands for; undefined without a cursor. @throws ProtocolError BAD_REQUEST */
export function readCursor<S extends z.ZodType>(schema: S, cursor: string | undefined): z.output<S> | undefined {
  if (cursor === undefined) return undefined;
  const result = schema.safeParse(decode(cursor));
  if (!result.success) throw new ProtocolError('BAD_REQUEST', 'cursor: is none of this list');
  return result.data;
}

/** Reads a page, and one row more to learn whether another page follows. At the end the next cursor is null. */
export async function readPage<Row>(
  limit: number,
  keyOf: (row: Row) => readonly unknown[],
  read: (limit: number) => Promise<readonly Row[]>,
): Promise<{ rows: readonly Row[]; next: string | null }> {
  const found = await read(limit + 1);
  const rows = found.slice(0, limit);
  const last = rows.at(-1);
  return { rows, next: last !== undefined && found.length > limit ? writeCursor(keyOf(last)) : null };
}

function decode(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    return undefined;
  }
}
