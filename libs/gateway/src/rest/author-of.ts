import type { Author } from '#delivery';
import type { KeyedRequest } from '#http';

/** Returns the author of what a back end publishes: its key, and no user. */
export function authorOf({ keyName }: KeyedRequest): Author {
  return { publisher: `api:${keyName}`, sender: null };
}
