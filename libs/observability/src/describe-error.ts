import { cut } from './cut.js';

const CAUSES = 3;
const MESSAGE_LENGTH = 300;

/**
 * Describes an error for a log line: what it is, where it happened, and its causes. Everything else that it carries is
 * left out, because PostgreSQL's `detail` quotes the row that failed, and with it the body of a message.
 */
export function describeError(error: unknown, depth = 0): object {
  if (!(error instanceof Error)) return { message: cut(error, MESSAGE_LENGTH) };
  const { code, cause } = error as Error & { code?: unknown };
  return {
    type: error.name,
    message: cut(error.message, MESSAGE_LENGTH),
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    stack: frames(error.stack),
    ...(cause === undefined || depth === CAUSES ? {} : { cause: describeError(cause, depth + 1) }),
  };
}

/** Returns the frames of a stack alone, because the message stands before them uncut. */
function frames(stack = ''): string {
  return stack
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .join('\n');
}
