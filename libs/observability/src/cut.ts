/** Shortens what a client wrote so that it fits a log line. */
export function cut(text: unknown, length = 200): string {
  const string = String(text);
  return string.length > length ? `${string.slice(0, length)}…` : string;
}
