import type { z } from 'zod';
import { ERROR_CODES, ProtocolError, type ErrorName } from './errors.js';

/** Returns the value in the schema's shape, or throws a ProtocolError that names the field and what is wrong with it. */
export function parse<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  if (namesPrototype(value))
    throw new ProtocolError('UNKNOWN_FIELD', '__proto__ is no name of a field, channel or entry');
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw errorOf(result.error.issues[0]);
}

/**
 * True if `__proto__` is a key of the value or of one of its fields, where records are, because zod silently drops this
 * one name from a record. The body (`data`) is not searched, because it is taken as it is.
 */
function namesPrototype(value: unknown): boolean {
  if (!isObject(value)) return false;
  if (Object.hasOwn(value, '__proto__')) return true;
  const { data: _body, ...fields } = value as Record<string, unknown>;
  return Object.values(fields).some((field) => isObject(field) && Object.hasOwn(field, '__proto__'));
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function errorOf(issue: z.core.$ZodIssue | undefined): ProtocolError {
  if (issue === undefined) return new ProtocolError('BAD_REQUEST', 'not the documented shape');
  const where = issue.path.length > 0 ? `${issue.path.map(String).join('.').slice(0, 100)}: ` : '';
  return new ProtocolError(faultOf(issue), `${where}${issue.message}`.slice(0, 300));
}

function faultOf(issue: z.core.$ZodIssue): ErrorName {
  if (issue.code === 'unrecognized_keys') return 'UNKNOWN_FIELD';
  // zod reports a wrong key of a record in a list of its own, whose innermost issue says more.
  if (issue.code === 'invalid_key') return issue.issues[0] ? faultOf(issue.issues[0]) : 'BAD_REQUEST';
  const named: unknown = issue.code === 'custom' ? issue.params?.['errorName'] : undefined;
  return typeof named === 'string' && named in ERROR_CODES ? (named as ErrorName) : 'BAD_REQUEST';
}
