/** Prints why a program failed: one line for wrong arguments, the stack for a bug of its own. */
export function tellFailure(error: unknown): void {
  process.stderr.write(`${textOf(error)}\n`);
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const isUsage = 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
  return isUsage ? error.message : (error.stack ?? error.message);
}
