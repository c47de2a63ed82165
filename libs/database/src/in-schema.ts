import { createHash } from 'node:crypto';

/** The schema that statements and migrations are written for, and that an instance uses unless it is told another. */
export const DEFAULT_SCHEMA = 'trunkline';

/** The classes of our advisory locks are 7255 to 7259; each other schema has a block of its own. */
const LOCK_CLASSES = /\b725[5-9]\b/g;
/** A name in the schema, also in a text for `format`. A `trunkline.receipt` is a type of messages. */
const QUALIFIER = /\btrunkline\.(?=[a-z_]|%(?:1\$)?I)(?!receipt')/g;
const SCHEMA_NAME = /'trunkline'(?=::regnamespace)/g;
const NOTIFY_PREFIX = /'trunkline_'(?= \|\|)/g;

/**
 * Writes a statement or a migration for another schema: its names, its advisory locks and its NOTIFY channels, so that
 * what two products in one database do never meets. The name is put in quotes, because it may be a word of SQL.
 */
export function inSchema(text: string, schema: string): string {
  if (schema === DEFAULT_SCHEMA) return text;
  return text
    .replace(QUALIFIER, `"${schema}".`)
    .replace(SCHEMA_NAME, `'"${schema}"'`)
    .replace(NOTIFY_PREFIX, `'${notifyChannel(schema, '')}'`)
    .replace(LOCK_CLASSES, (digits) => String(lockClass(Number(digits), schema)));
}

/**
 * Names the NOTIFY channel of an instance. Ids of instances may have `_` but no colon, so no name belongs to two of them.
 */
export function notifyChannel(schema: string, instanceId: string): string {
  return schema === DEFAULT_SCHEMA ? `trunkline_${instanceId}` : `${schema}:${instanceId}`;
}

/** Computes what a class of advisory locks, such as 7255, is in a schema. It has 31 bits, as pg_locks is unsigned. */
export function lockClass(ofDefault: number, schema: string): number {
  return ofDefault + 8 * blockOf(schema);
}

/** Returns 0 for the default schema, and a number up to 2^27 for another. */
function blockOf(schema: string): number {
  if (schema === DEFAULT_SCHEMA) return 0;
  return (createHash('sha256').update(schema).digest().readUInt32BE(0) >>> 5) + 1;
}
