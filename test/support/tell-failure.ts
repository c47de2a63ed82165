/** What a program says on stderr at its end: of wrong arguments one line, of a fault of its own the stack. */
export function tellFailure(error: unknown): void {
  process.stderr.write(`${textOf(error)}\n`);
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const isUsage = 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
  return isUsage ? error.message : (error.stack ?? error.message);
}
