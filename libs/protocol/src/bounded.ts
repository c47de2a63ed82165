import { z } from 'zod';

/**
 * Makes a schema that counts the entries of a record or an array before it looks at any, and reports only the first
 * wrong entry of a record. By itself zod looks at every entry and reports on each before it counts: 9,000 wrong keys
 * took 96 ms.
 *
 * @param what names the entries in the error, as in `at most 20 entries`
 */
export function bounded<S extends z.ZodRecord | z.ZodArray>(schema: S, max: number, what: string) {
  const entry = schema.def.type === 'array' ? undefined : (schema as z.ZodRecord);
  return z.preprocess((value, context) => {
    if (!isContainer(value)) return value;
    if (!hasAtMost(value, max)) {
      context.addIssue({ code: 'custom', message: `at most ${max} ${what}` });
      return z.NEVER;
    }
    return entry ? firstWrong(entry, value as Record<string, unknown>) : value;
  }, schema);
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** Stops counting as soon as there are more than `max` entries. */
function hasAtMost(value: object, max: number): boolean {
  if (Array.isArray(value)) return value.length <= max;
  let count = 0;
  for (const key in value) if (Object.hasOwn(value, key) && ++count > max) return false;
  return true;
}

/** Returns a record of the first wrong entry alone, or the whole value if no entry is wrong. */
function firstWrong({ def }: z.ZodRecord, value: Record<string, unknown>): unknown {
  if (Array.isArray(value)) return value;
  for (const key in value) {
    const isRight = z.safeParse(def.keyType, key).success && z.safeParse(def.valueType, value[key]).success;
    if (!isRight) return { [key]: value[key] };
  }
  return value;
}
